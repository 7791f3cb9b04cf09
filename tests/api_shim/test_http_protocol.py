"""How long a connection is waited for; real sockets, with deadlines that a test can wait for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from api_shim.http_protocol import BoundedHttpProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HEAD = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n"


class Impatient(BoundedHttpProtocol):
    """Waits as long as a test may."""

    head_seconds = 0.1
    body_seconds = 0.1


async def _read_and_answer(_scope: Any, receive: Any, send: Any) -> None:
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def _answer_unread(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


async def _answer_late(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0.5)
    await _read_and_answer(scope, receive, send)


def _talk(app: Any, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]) -> bytes:
    async def run() -> bytes:
        config = Config(app, http=Impatient, ws="none", log_config=None, timeout_keep_alive=0)
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(lambda: Impatient(config, state, {}), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            async with asyncio.timeout(10):
                answer = await talk(reader, writer)
            writer.close()
            return answer

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes, drop: bytes) -> bytes:
    """Send a little again and again, until the other side has had enough."""
    writer.write(first)
    answer = asyncio.ensure_future(reader.read())
    while not answer.done():
        writer.write(drop)
        await asyncio.wait({answer}, timeout=0.02)
    return answer.result()


def _timed_out(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nx-request-id: " in head
    return head.startswith(b"HTTP/1.1 408 ") and json.loads(body) == {"ok": False, "error": "request_timeout"}


def test_a_client_that_opens_and_says_nothing_is_hung_up_on() -> None:
    assert _talk(_read_and_answer, lambda reader, _: reader.read()) == b""


@pytest.mark.parametrize("drop", [b"", b"a: b\r\n"], ids=["and no more", "and on and on"])
def test_a_client_that_never_ends_its_head_gets_408(drop: bytes) -> None:
    assert _timed_out(_talk(_read_and_answer, lambda reader, writer: _drip(reader, writer, HEAD, drop)))


@pytest.mark.parametrize("drop", [b"", b"x"], ids=["and no more", "byte by byte"])
def test_a_client_that_never_ends_its_body_gets_408(drop: bytes) -> None:
    first = HEAD.replace(b"10", b"1000") + b"\r\n"

    assert _timed_out(_talk(_read_and_answer, lambda reader, writer: _drip(reader, writer, first, drop)))


def test_a_body_that_nobody_wants_is_not_waited_for_either() -> None:
    first = HEAD.replace(b"10", b"1000") + b"\r\n"

    answer = _talk(_answer_unread, lambda reader, writer: _drip(reader, writer, first, b"x"))

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_an_answer_that_takes_long_is_waited_for() -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HEAD + b"\r\n0123456789")
        return await reader.read()

    assert _talk(_answer_late, ask).endswith(b"ok")
