"""Bodies and answers of any length pass through the edge piece by piece. A client that leaves meanwhile is noticed."""

from __future__ import annotations

import json
import re
import signal
import socket
import struct
import sys
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from bench.cpu import resident_mib
from local_stack.environments import Environments, environment_without_settings
from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from local_stack.secret_files import ensure_secret_files
from tests.api_shim.edge.streaming_app import MIB, MOST_BYTES
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOST_GROWTH_MIB: Final = 16
"""How much memory may grow: far less than the tests send, and more than buffers and the allocator take."""

SIZES: Final = [
    pytest.param(64 * MIB, id="64 MiB"),
    pytest.param(512 * MIB, id="512 MiB", marks=pytest.mark.slow),
]


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
        command = [sys.executable, "-m", "tests.api_shim.edge.streaming_app"]
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
    server = Server(folder, **settings)
    server.process.start()
    wait_until(lambda: '"listening"' in server.log(), timeout=30, what="it serves")
    return server


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server with these settings."""
    servers: list[Server] = []

    def start(**settings: str) -> Server:
        servers.append(started(tmp_path, **settings))
        return servers[-1]

    yield start
    for each in servers:
        each.process.kill()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the default settings, for all tests of this file."""
    server = started(tmp_path_factory.mktemp("streaming"))
    yield server
    server.process.kill()


@pytest.fixture
def server(shared: Server) -> Server:
    """The same server, with nothing counted yet."""
    shared.reset()
    return shared


def post(length: int, query: str = "", *lines: str) -> bytes:
    head = [f"POST /up?{query} HTTP/1.1", "host: x", f"content-length: {length}", *lines]
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"


def get(length: int, query: str = "", *, method: str = "GET", version: str = "1.1") -> bytes:
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


@pytest.mark.parametrize("size", SIZES)
def test_a_long_body_takes_no_memory_though_the_application_is_slow(server: Server, size: int) -> None:
    with server.connection(post(MIB)) as connection:
        send_some(connection, MIB)
        read_answer(connection)
    before = server.memory_mib

    with server.connection(post(size, "held")) as connection:
        send_some(connection, size, pause=server.open)
        status, _, length = read_answer(connection)

    assert (status, int(length)) == (200, size)
    assert server.memory_mib - before < MOST_GROWTH_MIB


@pytest.mark.parametrize("size", SIZES)
def test_a_long_answer_takes_no_memory_though_its_client_reads_slowly(server: Server, size: int) -> None:
    with server.connection(get(MIB)) as connection:
        read_answer(connection)
    server.reset()
    before = server.memory_mib

    with server.connection(get(size)) as connection:
        made = [-2, -1]

        def it_waits_for_the_client() -> bool:
            made.append(server.counts("made"))
            return made[-1] == made[-2]

        wait_until(it_waits_for_the_client, what="no more is made than the client has room for")
        assert made[-1] < size / 2
        status, length, _ = read_answer(connection)

    assert (status, length) == (200, size)
    assert server.memory_mib - before < MOST_GROWTH_MIB
    line = server.line("/down")
    assert (line["status"], line["bytes"]) == (200, size)


def test_a_body_in_chunks_is_taken_as_it_comes(server: Server) -> None:
    head = b"POST /up HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    with server.connection(head) as connection:
        connection.sendall(b"5\r\nabcde\r\n")
        wait_until(lambda: server.counts("taken") == 5, what="the first piece is there before the second was sent")
        connection.sendall(b"3\r\nfgh\r\n0\r\n\r\n")
        assert read_answer(connection)[2] == b"8"


def test_a_client_that_waits_for_consent_is_asked_for_its_body(server: Server) -> None:
    with server.connection(post(3, "", "expect: 100-continue")) as connection:
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"abc")
        assert read_answer(connection)[2] == b"3"


@pytest.mark.parametrize("length", [MOST_BYTES + 1, 10**19])
def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(server: Server, length: int) -> None:
    with server.connection(post(length)) as connection:
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
    assert server.counts("taken") == 0


@pytest.mark.parametrize("drop", [b"", b"x"], ids=["and no more", "in drops"])
def test_a_body_that_comes_too_slowly_gets_408(serve: Callable[..., Server], drop: bytes) -> None:
    server = serve(INTAKE_BODY_SECONDS="0.5")
    with server.connection(post(MIB)) as connection:
        connection.settimeout(0.02)
        answer = b""
        while not answer:
            with suppress(TimeoutError):
                connection.sendall(drop)
                answer = connection.recv(1 << 16)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert server.counts("uploads_ended") == 1
    assert server.line("/up")["status"] == 408


@pytest.mark.slow
def test_a_long_body_gets_new_time_with_each_stretch_that_comes(serve: Callable[..., Server]) -> None:
    server = serve(INTAKE_BODY_SECONDS="1")
    pause = threading.Event()
    with server.connection(post(2 * MIB)) as connection:
        for _ in range(32):
            connection.sendall(b"x" * 64 * 1024)
            pause.wait(0.1)
        assert read_answer(connection)[2] == b"%d" % (2 * MIB)


@pytest.mark.parametrize("resets", [False, True], ids=["it closes", "it resets"])
def test_a_method_that_reads_a_body_notices_that_its_client_has_left(server: Server, *, resets: bool) -> None:
    with server.connection(post(MIB)) as connection:
        connection.sendall(b"abc")
        wait_until(lambda: server.counts("taken") == 3, what="the first piece is there")
        leave(connection, resets=resets)

    wait_until(lambda: server.counts("uploads_ended") == 1, what="it is noticed")
    assert server.line("/up")["status"] == 499
    assert server.answered("/up", 499)
    assert "request_failed" not in server.log()


@pytest.mark.parametrize("resets", [False, True], ids=["it closes", "it resets"])
@pytest.mark.parametrize("query", ["held", ""], ids=["nothing to send", "more than it reads"])
def test_a_method_that_makes_an_answer_ends_when_its_client_has_left(
    server: Server, query: str, *, resets: bool
) -> None:
    with server.connection(get(MOST_BYTES, query)) as connection:
        wait_until(lambda: server.counts("made") > MIB, what="the answer is on its way")
        assert server.counts("answers_ended") == 0
        leave(connection, resets=resets)

    wait_until(lambda: server.counts("answers_ended") == 1, what="it is noticed")
    line = server.line("/down")
    assert line["status"] == 499
    assert MIB / 2 < line["bytes"] < MOST_BYTES
    assert server.answered("/down", 499)
    assert '"error"' not in server.log()


def leave(connection: socket.socket, *, resets: bool) -> None:
    if resets:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_the_connection_of_a_client_that_reads_nothing_of_a_long_answer_is_closed(serve: Callable[..., Server]) -> None:
    server = serve(INTAKE_WRITE_SECONDS="0.5")
    with server.connection(get(MOST_BYTES), room=4096):
        wait_until(lambda: server.counts("answers_ended") == 1, what="its time is over")

    assert server.line("/down")["status"] == 499


@pytest.mark.slow
def test_a_client_that_reads_a_long_answer_slowly_gets_all_of_it(serve: Callable[..., Server]) -> None:
    """Its buffers are always full. Only the bytes that it acknowledges show that it reads at all."""
    server = serve(INTAKE_WRITE_SECONDS="1")
    pause = threading.Event()
    received = b""
    with server.connection(get(6 * MIB, version="1.0"), room=16 * 1024) as connection:
        while chunk := connection.recv(1 << 16):
            received += chunk
            pause.wait(0.03)

    assert len(received.partition(b"\r\n\r\n")[2]) == 6 * MIB


def test_the_answer_to_head_is_its_head(server: Server) -> None:
    with server.connection(get(MOST_BYTES, method="HEAD") + get(3)) as connection:
        head = connection.recv(1 << 16)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"x-request-id" in head
        wait_until(lambda: server.counts("made") == MIB // 16, what="the next one is answered")


def test_a_client_can_see_that_an_answer_was_cut_off_by_a_fault_of_ours(server: Server) -> None:
    with server.connection(get(MIB, "fails")) as connection:
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert received.startswith(b"HTTP/1.1 200 ")
    assert not received.endswith(b"0\r\n\r\n")
    assert server.line("/down")["status"] == 500
    assert server.log().count('"request_failed"') == 1
    assert "canary" not in server.log()


@pytest.mark.parametrize("method", ["up", "down"])
def test_long_transfers_do_not_delay_a_stop(serve: Callable[..., Server], method: str) -> None:
    server = serve(INTAKE_SHUTDOWN_SECONDS="2", INTAKE_BODY_SECONDS="100")
    request = post(MIB) + b"abc" if method == "up" else get(MOST_BYTES, "held")
    with server.connection(request) as connection:
        wait_until(lambda: server.counts("taken") + server.counts("made") > 0, what="it is on its way")
        server.process.send(signal.SIGTERM)
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert server.process.wait(15)
    if method == "up":
        assert received.startswith(b"HTTP/1.1 408 ")
    else:
        assert not received.endswith(b"0\r\n\r\n")
        assert server.line("/down")["status"] == 503


def test_a_request_whose_time_is_over_when_the_shim_stops_gets_503(serve: Callable[..., Server]) -> None:
    """Uvicorn cancels such a request. Without the edge it would answer 500 in plain text."""
    server = serve(INTAKE_SHUTDOWN_SECONDS="1")
    with server.connection(post(MIB + 1, "held")) as connection:
        connection.sendall(b"x" * (MIB + 1))
        wait_until(lambda: server.counts("taken") == MIB + 1, what="the method waits, and has not answered")
        server.process.send(signal.SIGTERM)
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"x-request-id: " in head
    assert json.loads(body) == {"ok": False, "error": "service_unavailable"}
    assert server.process.wait(15)
    assert server.line("/up")["status"] == 503


def test_a_body_that_is_first_read_after_the_shim_stopped_listening_gets_no_more_time_than_others(
    serve: Callable[..., Server],
) -> None:
    server = serve(INTAKE_SHUTDOWN_SECONDS="100", INTAKE_BODY_SECONDS="100")
    with server.connection(post(MIB, "late")) as connection:
        wait_until(lambda: server.counts("uploads_begun") == 1, what="the method has the request")
        server.process.send(signal.SIGTERM)
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert received.startswith(b"HTTP/1.1 408 ")
    assert server.process.wait(15)
