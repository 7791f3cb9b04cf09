"""One request and its answer on a connection, the answer in one piece: uvicorn's, with a cheaper way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Cycle(RequestResponseCycle):
    """Sends head and body in one write: uvloop makes a system call, and wakes the client, for each."""

    hang_up: Callable[[], None]
    """Ends the connection; set by who makes the cycle."""

    _start: Any = None

    async def send(self, message: Any) -> None:
        """Keep the answer's start until its body is there. There is one body, whole: nothing here streams."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self.response_started = True
            self.waiting_for_100_continue = False
            self._start = message
            return
        if self.response_complete or message.get("more_body"):
            raise RuntimeError("an answer has one start and one body")
        body = b"" if self.scope["method"] == "HEAD" else message["body"]
        self.transport.write(self._head() + body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.hang_up()
        self.on_response()

    def _head(self) -> bytes:
        headers = [*self.default_headers, *self._start["headers"]]
        if (b"connection", b"close") in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append((b"connection", b"close"))
        return head(self._start["status"], headers)


def head(status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A status line and headers as they go over the wire.

    Raises:
        ValueError: a header holds a line break, and so the beginning of another.
    """
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not lines.count(b"\r") == lines.count(b"\n") == len(headers):
        raise ValueError("a header holds a line break")
    return b"%b%b\r\n" % (STATUS_LINE[status], lines)
