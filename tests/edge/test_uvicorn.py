"""How `edge` reads uvicorn's private state. tests/test_relied_on_privates.py names each part of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from edge.answers.refusals import Reason
from edge.server.connections import is_over
from edge.server.watchdog import owed
from tests.support.broker import until
from tests.support.streams import connected_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"


async def _answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _hold(_scope: Any, receive: Any, _send: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _comes_to_owe(app: Any, sent: list[bytes], reason: Reason | None) -> bool:
    """Send these bytes one by one. Returns once the client owes this to the connection."""
    state = ServerState()

    async def run() -> bool:
        config = Config(app, http=H11Protocol, ws="none", log_config=None)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: H11Protocol(config, state, {}), "127.0.0.1", 0)
        async with server, asyncio.timeout(10):
            async with connected_to(server) as (_, writer):
                for piece in sent:
                    writer.write(piece)
                    await writer.drain()
                await until(lambda: state.connections and owed(next(iter(state.connections))) == reason)  # type: ignore[arg-type]
                next(iter(state.connections)).transport.abort()
            await until(lambda: not state.connections)
            return True

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("app", "sent", "reason"),
    [
        (_answer, [], Reason.SLOW_HEAD),
        (_answer, [GET[:20]], Reason.SLOW_HEAD),
        (_answer, [GET], None),
        (_answer, [GET, GET[:20]], Reason.SLOW_HEAD),
        (_answer, [POST], Reason.SENDS_ON),
        (_answer, [POST, b"01234"], Reason.SENDS_ON),
        (_answer, [POST, b"0123456789"], None),
        (_hold, [GET], None),
        (_hold, [POST], None),
        (_hold, [GET, GET[:20]], None),
    ],
    ids=[
        "nothing",
        "a part of a head",
        "a request",
        "a part of the next head",
        "an unread body",
        "a part of one",
        "all of one",
        "a held call",
        "a body that is awaited",
        "more behind a held call",
    ],
)
def test_the_edge_sees_what_a_client_owes(
    app: Callable[..., Awaitable[None]], sent: list[bytes], reason: Reason | None
) -> None:
    assert _comes_to_owe(app, sent, reason)


def test_a_send_tells_whether_the_client_is_still_there() -> None:
    """ASGI does not tell this."""
    seen: list[bool] = []

    async def ask(_scope: Any, receive: Any, send: Any) -> None:
        seen.append(is_over(send))
        while (await receive())["type"] != "http.disconnect":
            pass
        seen.append(is_over(send))

    async def run() -> None:
        config = Config(ask, http=H11Protocol, ws="none", log_config=None)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: H11Protocol(config, ServerState(), {}), "127.0.0.1", 0)
        async with server, connected_to(server) as (reader, writer):
            writer.write(GET)
            writer.write_eof()
            assert await reader.read() == b""

    asyncio.run(run())

    assert seen == [False, True]
