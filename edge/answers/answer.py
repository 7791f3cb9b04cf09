"""An HTTP answer as methods give it: complete, or made while it is sent."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send


class Answer:
    """A complete answer: status, headers and body, as they are sent. It is an ASGI application that sends itself."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the answer, whatever the request was."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


class AnswerCutOffError(Exception):
    """The rest of an answer that has begun cannot be made now. The connection ends, which is how the client is told."""


class StreamedAnswer:
    """An answer whose body is made while it is sent. It is an ASGI application that sends itself.

    The generator `pieces` makes the body. It is asked for its next piece once the client has room for one, so a slow
    client costs the memory of one piece. If the client leaves, whatever `pieces` waits for is cancelled, the generator
    is closed and its `finally` runs. The layers around see a `ClientDisconnect`. If `pieces` raises, the connection
    ends without the mark of a complete body, so the client knows that the rest is missing. Bytes that the client sends
    during the answer are thrown away.
    """

    __slots__ = ("_pieces", "headers", "status")

    def __init__(self, status: int, pieces: AsyncGenerator[bytes, None], headers: list[tuple[bytes, bytes]]) -> None:
        """`headers` must not hold a Content-Length: the server sends the body in chunks."""
        self.status = status
        self.headers = headers
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer. A HEAD request gets the head alone, and `pieces` is not run for it."""
        async with aclosing(self._pieces) as pieces:
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            if scope["method"] != "HEAD":
                await _send_while_wanted(pieces, receive, send)
            await send({"type": "http.response.body", "body": b""})


async def _send_while_wanted(pieces: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    left = asyncio.timeout(None)
    # This task starts after the head was sent. Receiving before that would make the server send "100 Continue", which
    # asks the client for its body.
    leaving = asyncio.create_task(_end_when_left(receive, left))
    try:
        async with left:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    except TimeoutError:
        if left.expired():
            raise ClientDisconnect from None
        raise
    finally:
        leaving.cancel()


async def _end_when_left(receive: Receive, sending: asyncio.Timeout) -> None:
    """Wait until the client leaves, then let the timeout `sending` expire at once. Throw away what the client sends."""
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.reschedule(asyncio.get_running_loop().time())
