"""The server of `streaming_app` as a process, and a client that sends and reads by hand."""

from __future__ import annotations

import json
import re
import socket
import struct
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from bench.cpu import resident_mib
from local_stack.environments import Environments, environment_without_settings
from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from local_stack.secret_files import ensure_secret_files
from tests.edge.streaming_app import MIB
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Server:
    """The test's application behind the shim's own server."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        environments = Environments(
            redis_url="redis://localhost",  # The test's application calls no Redis.
            mongodb_uri="",
            secrets=ensure_secret_files(folder / "secrets"),
            base=environment_without_settings(),
        )
        environment = environments.shim(port=self.port, **{"INTAKE_DRAIN_SECONDS": "0", **settings})
        command = [sys.executable, "-m", "tests.edge.streaming_app"]
        self.process = ManagedProcess("streaming", command, log_path=folder / "log", environment=environment)
        self._log_begins = 0
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def connection(self, request: bytes, *, room: int = 0) -> Iterator[socket.socket]:
        """A connection on which a request was sent. `room` is how many unread bytes the system may keep."""
        with closing(socket.socket()) as connection:
            if room:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
            connection.settimeout(20)
            connection.connect(("127.0.0.1", self.port))
            connection.sendall(request)
            yield connection

    def counts(self, name: str) -> int:
        """The counts of the application."""
        return int(httpx.get(f"{self.url}/counts", trust_env=False).json()[name])

    def open(self) -> None:
        """Let the requests that are held go on."""
        assert httpx.post(f"{self.url}/open", trust_env=False).status_code == 204

    def log(self) -> str:
        """The log of this test."""
        return self.process.log_path.read_text()[self._log_begins :]

    def reset(self) -> None:
        """Forget counts and log, for the next test."""
        assert httpx.post(f"{self.url}/reset", trust_env=False).status_code == 204
        wait_until(lambda: '"/reset"' in self.log(), what="the log is as far")
        self._log_begins = len(self.process.log_path.read_text())

    def line(self, route: str) -> dict[str, Any]:
        """The log line of the only request of this route. Waits until it is there."""

        def lines() -> list[dict[str, Any]]:
            found = [json.loads(line) for line in self.log().splitlines() if '"request"' in line]
            return [line for line in found if line["event"] == "request" and line["route"] == route]

        wait_until(lines, what="the request is logged")
        (line,) = lines()
        return line

    def answered(self, route: str, status: int) -> bool:
        """Whether the metrics count a request with this status."""
        shown = httpx.get(f"{self.url}/metrics", trust_env=False).text
        return re.search(rf'^intake_requests_total.*"{route}",status="{status}"}} ', shown, re.MULTILINE) is not None

    @property
    def memory_mib(self) -> float:
        """The most memory that was resident until now."""
        return resident_mib(self.process.pid or 0, peak=True)


def started(folder: Path, **settings: str) -> Server:
    """Start a server and wait until it serves."""
    server = Server(folder, **settings)
    server.process.start()
    wait_until(lambda: '"listening"' in server.log(), timeout=30, what="it serves")
    return server


def post(length: int, query: str = "", *lines: str) -> bytes:
    """The head of a request that uploads a body of this length."""
    head = [f"POST /up?{query} HTTP/1.1", "host: x", f"content-length: {length}", *lines]
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"


def get(length: int, query: str = "", *, method: str = "GET", version: str = "1.1") -> bytes:
    """A request for an answer of this length."""
    return f"{method} /down?bytes={length}&{query} HTTP/{version}\r\nhost: x\r\n\r\n".encode()


def send_some(connection: socket.socket, length: int, *, pause: Callable[[], object] = lambda: None) -> None:
    """Send so many bytes. Where the other side takes none for half a second, call `pause` and go on."""
    left = memoryview(b"x" * MIB * 4)
    connection.settimeout(0.5)
    sent = 0
    while sent < length:
        try:
            sent += connection.send(left[: length - sent])
        except TimeoutError:
            pause()
    connection.settimeout(20)


def read_answer(connection: socket.socket) -> tuple[int, int, bytes]:
    """Status, length and the first bytes of one answer in chunks."""
    file = connection.makefile("rb")
    status = int(file.readline().split()[1])
    while file.readline() != b"\r\n":
        pass
    length, first = 0, b""
    while size := int(file.readline(), 16):
        piece = file.read(size)
        first = first or piece[:100]
        length += len(piece)
        assert file.readline() == b"\r\n"
    assert file.readline() == b"\r\n"
    return status, length, first


def leave(connection: socket.socket, *, resets: bool) -> None:
    """Close the connection from the client's side, by an end of file or by a reset."""
    if resets:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
