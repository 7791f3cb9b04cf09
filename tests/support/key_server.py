"""The URL at which an identity provider publishes its keys. It can be right, slow, away, or answer anything."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass
class KeyServer:
    """A server whose answer may be changed while it runs."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    """Whether it takes the request and never answers."""
    asked: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """The URL of the keys."""
        return f"http://127.0.0.1:{self.port}/jwks.json"

    def publish(self, *keys: Mapping[str, Any]) -> None:
        """Answer with these keys from now on."""
        self.status, self.hangs, self.body = 200, False, json.dumps({"keys": keys}).encode()


@contextmanager
def a_key_server() -> Iterator[KeyServer]:
    """Run a server until the block ends."""
    told = KeyServer()
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked += 1
            if told.hangs:
                ended.wait(30)
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(told.body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(told.body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            ended.set()
            server.shutdown()
            thread.join()
