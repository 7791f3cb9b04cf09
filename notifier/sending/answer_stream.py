"""A connection that reads no more of an answer than it should, and remembers it until the next request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import h11
from httpcore2 import AsyncNetworkStream, ReadError

if TYPE_CHECKING:
    import ssl

_MOST_BYTES: Final = 256 * 1024
"""Bytes of one answer, its head and all interim answers included. The library bounds a head and no number of heads."""


class AnswerStream(AsyncNetworkStream):
    """Passes on what another stream reads and writes."""

    def __init__(self, stream: AsyncNetworkStream) -> None:
        self._stream = stream
        self._answer = bytearray()
        self._has_surplus = False

    def look_for_surplus(self) -> None:
        """Look whether more came than the answer that was read to its end. If so, the connection is used no more.

        The library would take the surplus for the beginning of the next answer, or even for all of it, so that the next
        event would seem to be delivered.
        """
        self._has_surplus = _has_surplus(bytes(self._answer))

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the library's name
        """Read some bytes.

        Raises:
            ReadError: the answer has too many of them, or the connection is broken.
        """
        piece = await self._stream.read(max_bytes, timeout)
        self._answer += piece
        if len(self._answer) > _MOST_BYTES:
            raise ReadError("too long")
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the library's name
        """Write these bytes. They are of a new request if something was read before."""
        self._answer.clear()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """End the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's name
    ) -> AsyncNetworkStream:
        """The same with TLS."""
        return AnswerStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """What is known of the connection. The pool drops an idle one that is readable."""
        if info == "is_readable" and self._has_surplus:
            return True
        return self._stream.get_extra_info(info)


def _has_surplus(received: bytes) -> bool:
    """Whether there is something behind the answer to a POST in these bytes."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_BYTES)
    parser.send(h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", "0")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(received)
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        if event in (h11.NEED_DATA, h11.PAUSED):
            # It ends with the connection.
            return True
    return bool(parser.trailing_data[0])
