"""The edge: uvicorn's HTTP/1.1 protocol with the bounds that it lacks, and faults answered as everything else is.

uvicorn with httptools takes a head of any size, waits for the rest of one for ever, and answers what is no HTTP in
plain text. No middleware can mend that: it runs only when a head is complete.
"""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api_shim import responses
from api_shim.middleware import RequestContext

if TYPE_CHECKING:
    import asyncio

    from api_shim.responses import Answer

MAXIMUM_HEAD_BYTES: Final = 64 * 1024
"""Request line and headers; four times what common proxies let through."""

_LOOK_SECONDS: Final = 5.0
"""How often a connection is looked at; how late a deadline may be noticed."""

_LINGER_SECONDS: Final = 2.0
"""How long a refused client is still read from: closing at once would reset the connection, answer and all."""

_OFFERS: Final = frozenset({b"upgrade", b"http2-settings"})


class _HeadTooLargeError(Exception):
    """Raised inside the parser's callback, which turns it into an error of its own."""


class _NoProxyError(Exception):
    """The same, for CONNECT."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    head_seconds = 20.0
    """For a whole head, from the connection's start or the request's first byte; nginx gives 60."""
    body_seconds = 60.0
    """For a whole body, from the end of its head."""

    _timer: asyncio.TimerHandle | None = None
    _due = math.inf
    """When the client must have sent what it is to send next."""
    _unread = 0
    """Bytes since the last that were known to be a whole head or part of a body."""
    _receiving_head = False
    _receiving_body = False
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._due = self.loop.time() + self.head_seconds
        self._timer = self.loop.call_later(self.head_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the methods below."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        self._unread += len(data)
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._stay_with_http(data[upgrade.args[0] :])
            return
        except HttpParserError as error:
            too_large = isinstance(error.__context__, _HeadTooLargeError)
            self._refuse(responses.head_too_large() if too_large else responses.malformed_request())
            return
        if self._unread > MAXIMUM_HEAD_BYTES:
            # A head, or what may stand around the chunks of a body: extensions, trailers.
            self._refuse(responses.head_too_large())

    def on_message_begin(self) -> None:
        """A request's first byte is there."""
        self._receiving_head = True
        self._due = self.loop.time() + self.head_seconds
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        # Bytes are counted by what came at once, a piece of the body included: only where that is much, look closer.
        if self._unread > MAXIMUM_HEAD_BYTES and self._head_bytes() > MAXIMUM_HEAD_BYTES:
            raise _HeadTooLargeError
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _NoProxyError
            return  # data_received goes on with it
        super().on_headers_complete()
        self._receiving_head, self._receiving_body, self._unread = False, True, 0
        self._due = self.loop.time() + self.body_seconds
        # Trailers are reported like headers. They are none: what a proxy checked must not change behind its back.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """A piece of the body is there."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there."""
        if self.parser.should_upgrade():
            return
        self._receiving_body, self._unread, self._due = False, 0, math.inf
        super().on_message_complete()
        if self.cycle.response_complete:
            # It was answered before its end, and its last bytes have ended uvicorn's own timer.
            self._due = self.loop.time() + self.timeout_keep_alive

    def _stay_with_http(self, rest: bytes) -> None:
        """Go on with a request that offers to speak another protocol as if it did not (RFC 9110, section 7.8).

        The parser takes what follows the head for that protocol, and the body would be lost. Java's own client makes
        such an offer with its first request.
        """
        head = [b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url)]
        for name, value in self.headers:
            if name == b"connection":
                head.append(b"connection: close\r\n" if b"close" in value.lower() else b"")
            elif name not in _OFFERS:
                head.append(b"%s: %s\r\n" % (name, value))
        self.parser = HttpRequestParser(self)
        self._unread = 0
        self.data_received(b"".join((*head, b"\r\n", rest)))

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _look(self) -> None:
        if self.loop.time() < self._due:
            self._timer = self.loop.call_later(_LOOK_SECONDS, self._look)
        elif self._receiving_head or self._receiving_body:
            self._refuse(responses.request_timeout())
        else:
            self.transport.close()

    def _refuse(self, answer: Answer) -> None:
        """Answer what is no request, where an answer can only be meant for that, and end the connection."""
        request_id = secrets.token_hex(16)
        if isinstance(self.app, RequestContext):
            self.app.refused(request_id=request_id, status=answer.status)
        self._refused = True
        cycle = self.cycle
        if self._timer is not None:
            self._timer.cancel()
        if self._receiving_body:
            free = not self.pipeline and not cycle.response_started
            # The application's own answer would come too late; it learns that the client is gone.
            cycle.disconnected = True
            cycle.message_event.set()
        else:
            free = cycle is None or cycle.response_complete
        if not free or self.transport.is_closing():
            # Another request's answer is due first, and this would be taken for it.
            self.transport.close()
            return
        headers = [*self.server_state.default_headers, *answer.headers, (b"x-request-id", request_id.encode())]
        head = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"".join((STATUS_LINE[answer.status], head, b"\r\n", answer.body)))
        self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)
