"""A receiver of webhooks that can be right, slow, rude or broken, over HTTP or HTTPS."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.certificates import Issued


@dataclass(frozen=True)
class Received:
    """One request that came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    client_port: int
    """Which tells connections apart."""


@dataclass
class Receiver:
    """What came, and how to answer. `behave` may be changed while the receiver runs."""

    behave: Callable[[Exchange], None]
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    names: list[str | None] = field(default_factory=list)
    """The names that clients asked for in TLS (SNI)."""
    port: int = 0
    at_once: int = 0
    most_at_once: int = 0
    """The most requests that there were at a time."""
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Exchange:
    """A request that waits for its answer."""

    receiver: Receiver
    request: Received
    handler: BaseHTTPRequestHandler

    def answer(self, status: int, *, headers: Mapping[str, str] | None = None, body: bytes = b"ok") -> None:
        """Answer whole."""
        self.handler.send_response(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        with suppress(OSError):
            self.handler.wfile.write(body)

    def write(self, raw: bytes) -> None:
        """Write these bytes, whatever they are, and end the connection."""
        self.handler.close_connection = True
        with suppress(OSError):
            self.handler.wfile.write(raw)

    def hang(self, *, raw: bytes = b"") -> None:
        """Say no more until the test is over."""
        self.write(raw)
        self.receiver.ended.wait(60)

    def drip(self, raw: bytes, *, every_seconds: float) -> None:
        """Write these bytes one by one, over and over, until the client or the test ends."""
        self.handler.close_connection = True
        with suppress(OSError):
            while not self.receiver.ended.wait(every_seconds):
                self.handler.wfile.write(raw)

    def reset(self, *, raw: bytes = b"") -> None:
        """End the connection by a reset."""
        self.write(raw)
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.connection.close()


def status(code: int, **headers: str) -> Callable[[Exchange], None]:
    """Answer with this status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.answer(code, headers=named)


def taken(exchange: Exchange) -> None:
    """Answer that the event was taken."""
    exchange.answer(204, body=b"")


@contextmanager
def a_receiver(
    behave: Callable[[Exchange], None] = taken, *, certificate: Issued | None = None, host: str = "127.0.0.1"
) -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    told = Receiver(behave)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            told.connections += 1

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # The sender died in the middle of it.
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.path, headers, body, self.client_address[1])
            with lock:
                told.received.append(request)
                told.at_once += 1
                told.most_at_once = max(told.most_at_once, told.at_once)
            try:
                told.behave(Exchange(told, request, self))
            finally:
                with lock:
                    told.at_once -= 1

        do_GET = do_POST  # noqa: N815 - http.server's name; nobody should ask so

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, *_: Any) -> None:
            """Clients that go away are no error."""

        def finish_request(self, request: Any, client_address: Any) -> None:
            # In the connection's own thread, or one client could hold up all others.
            if context is None:
                super().finish_request(request, client_address)
                return
            with context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)

    context = None if certificate is None else ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if context is not None and certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
        context.sni_callback = lambda _socket, name, _context: told.names.append(name)
    with Server((host, 0), Handler) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield told
        finally:
            told.ended.set()
            server.shutdown()
            thread.join()
