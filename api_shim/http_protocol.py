"""The edge: uvicorn's HTTP/1.1 protocol with the bounds that it lacks, and faults answered as everything else is.

uvicorn with httptools takes a head of any size, waits for the rest of one for ever, and answers what is no HTTP in
plain text. No middleware can mend that: it runs only when a head is complete.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api_shim import responses
from api_shim.http_cycle import Cycle, head
from api_shim.middleware import RequestContext, new_request_id

if TYPE_CHECKING:
    from api_shim.responses import Answer

MAXIMUM_HEAD_BYTES: Final = 64 * 1024
"""Request line and headers; four times what common proxies let through."""

_LOOK_SECONDS: Final = 5.0
"""How often a connection is looked at; how late a deadline may be noticed."""

_LINGER_SECONDS: Final = 2.0
"""How long a client that still sends is read from after the last answer: closing at once would reset the connection,
answer and all."""

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
    _deaf = False
    """The connection ends: what comes is not looked at any more."""

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
        if self._deaf:
            return
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
        self._begin_cycle()
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
            self._due = self.loop.time() + self.timeout_keep_alive

    def on_response_complete(self) -> None:
        """Begin with the next request that is there already, or wait for one."""
        self.server_state.total_requests += 1
        if self._deaf or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif not (self._receiving_head or self._receiving_body):
            self._due = self.loop.time() + self.timeout_keep_alive

    def _begin_cycle(self) -> None:
        method, version, url = self.parser.get_method(), self.parser.get_http_version(), parse_url(self.url)
        scope, path = self.scope, url.path.decode("ascii")
        scope["method"] = method.decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        cycle = self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        cycle.hang_up = self._hang_up
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            # Requests that are sent without waiting for the answer before are answered in turn.
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _hang_up(self) -> None:
        """End the connection after what was written, so that the client can read that."""
        self._deaf = True
        if self._timer is not None:
            self._timer.cancel()
        if self._receiving_head or self._receiving_body:
            self.flow.resume_reading()
            self.transport.write_eof()
            self._timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _stay_with_http(self, rest: bytes) -> None:
        """Go on with a request that offers to speak another protocol as if it did not (RFC 9110, section 7.8).

        The parser takes what follows the head for that protocol, and the body would be lost. Java's own client makes
        such an offer with its first request.
        """
        lines = [b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url)]
        for name, value in self.headers:
            if name == b"connection":
                lines.append(b"connection: close\r\n" if b"close" in value.lower() else b"")
            elif name not in _OFFERS:
                lines.append(b"%s: %s\r\n" % (name, value))
        self.parser = HttpRequestParser(self)
        self._unread = 0
        self.data_received(b"".join((*lines, b"\r\n", rest)))

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
        request_id = new_request_id()
        if isinstance(self.app, RequestContext):
            self.app.refused(request_id=request_id, status=answer.status)
        self._deaf = True
        cycle = self.cycle
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
        self.transport.write(head(answer.status, headers) + answer.body)
        self._receiving_head = True  # whatever it was: its rest may come
        self._hang_up()
