"""A TCP proxy that can stop forwarding without closing anything: what a firewall does that forgot a connection."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Self

_POLL_SECONDS = 0.1
_CHUNK_BYTES = 65536


class TcpProxy:
    """Forwards from a port of its own to another on this machine, until it is told to swallow everything."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.black_hole = False
        self._closed = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(near,), daemon=True).start()

    def _forward(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            # A connection made into the black hole stays one: nobody ever answers it.
            doomed = self.black_hole
            with socket.create_connection(("127.0.0.1", self._target_port)) as far:
                other = {near: far, far: near}
                while not self._closed:
                    if self.black_hole or doomed:
                        doomed = True
                        threading.Event().wait(_POLL_SECONDS)
                        continue
                    readable, _, _ = select.select([near, far], [], [], _POLL_SECONDS)
                    for one in readable:
                        data = one.recv(_CHUNK_BYTES)
                        if not data:
                            return
                        if not self.black_hole:
                            other[one].sendall(data)
