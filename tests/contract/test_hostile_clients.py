"""How much memory and time a client can take. Each of these attacks once brought a shim down, or made it lie."""

from __future__ import annotations

import resource
import socket
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import pytest
import redis

from bench.cpu import resident_mib
from local_stack.ports import free_port
from schemas.protocol.overview import ROOM
from tests.contract.service import CREATE, RESULT, Service, an_email, parse_raw, read_all, read_answer
from tests.support.records import Scripts
from tests.support.requests import a_request, as_body
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

IMPATIENT: Final = {"INTAKE_HEAD_SECONDS": "0.5", "INTAKE_BODY_SECONDS": "0.5", "INTAKE_WRITE_SECONDS": "1"}
GET: Final = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
BUNDLE: Final = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture(scope="module")
def impatient(module_env: Environment, start_module_shim: Starter) -> Iterator[Service]:
    """A shim without a worker. It waits for clients only as long as a test may take."""
    service = Service(start_module_shim(module_env, **IMPATIENT))
    yield service
    service.http.close()


def post(service: Service, *lines: str, path: str = CREATE) -> bytes:
    bearer = f"authorization: Bearer {token(service.environment)}"
    head = (f"POST {path} HTTP/1.1", "host: x", bearer, "content-type: application/json", *lines)
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"


def turned_away(service: Service, reason: str) -> float:
    return service.metric(f'intake_turned_away_total{{reason="{reason}"}}')


@contextmanager
def one_more(service: Service, reason: str) -> Iterator[None]:
    """Within the block one client is turned away for this reason, which must be counted and logged."""
    before = turned_away(service, reason)
    yield
    assert turned_away(service, reason) == before + 1
    assert reason in {line["reason"] for line in service.lines("turned_away")}


def drip(connection: socket.socket, drop: bytes) -> bytes:
    """Send a little again and again until the other side hangs up. Returns its answer."""
    connection.settimeout(0.05)
    answer = b""
    for _ in range(400):
        with suppress(TimeoutError):
            try:
                connection.sendall(drop)
                chunk = connection.recv(1 << 16)
            except ConnectionError:
                return answer
            if not chunk:
                return answer
            answer += chunk
    raise AssertionError("it goes on listening")


@pytest.mark.parametrize("sent", [b"", GET[:20], GET + GET[:20]], ids=["nothing", "a part of a head", "of the second"])
def test_the_connection_of_a_client_that_owes_a_head_is_closed(impatient: Service, sent: bytes) -> None:
    with one_more(impatient, "slow_head"), impatient.connection() as connection:
        connection.sendall(sent)

        assert read_all(connection).count(b"HTTP/1.1 ") == sent.count(b"\r\n\r\n")


@pytest.mark.parametrize("first", [GET[:-2], GET + GET[:-2]], ids=["the first", "the second"])
def test_a_head_that_comes_byte_by_byte_gets_no_more_time(impatient: Service, first: bytes) -> None:
    with one_more(impatient, "slow_head"), impatient.connection() as connection:
        connection.sendall(first)

        assert drip(connection, b"a: b\r\n").count(b"HTTP/1.1 ") == first.count(b"\r\n\r\n")


@pytest.mark.parametrize("drop", [b"", b"x"], ids=["and no more", "byte by byte"])
@pytest.mark.parametrize("path", [CREATE, pytest.param(RESULT, marks=pytest.mark.slow)])
def test_a_body_that_does_not_come_in_time_gets_408(impatient: Service, path: str, drop: bytes) -> None:
    before = impatient.tasks()
    with one_more(impatient, "slow_body"), impatient.connection() as connection:
        connection.sendall(post(impatient, "content-length: 1000", path=path) + b"{")
        status, headers, body = parse_raw(drip(connection, drop))

    assert (status, body) == (408, {"ok": False, "error": "request_timeout"})
    assert headers["connection"] == "close"
    assert headers["x-request-id"]
    assert impatient.tasks() == before


def test_where_there_are_too_many_unfinished_bodies_the_oldest_is_given_up(without_worker: Service) -> None:
    """Each body is within its size and its minute, but all of them together would fill the shim's memory."""
    unfinished = post(without_worker, "content-length: 250000") + b" " * 249_999
    with ExitStack() as clients:
        connections = [clients.enter_context(without_worker.connection()) for _ in range(40)]
        for connection in connections:
            connection.sendall(unfinished)
        wait_until(lambda: turned_away(without_worker, "slow_body") > 0, what="somebody had to go")

        assert {read_answer(each)[:13] for each in connections[:4]} == {b"HTTP/1.1 408 "}
        connections[-1].sendall(b"}")
        assert read_answer(connections[-1]).startswith(b"HTTP/1.1 400 ")
        assert without_worker.create().status_code == 202


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "in chunks"])
def test_the_connection_of_a_client_that_sends_on_after_its_answer_is_closed(impatient: Service, chunked: bool) -> None:
    line, drop = ("transfer-encoding: chunked", b"1\r\nx\r\n") if chunked else ("content-length: 100000", b"x")
    with one_more(impatient, "sends_on"), impatient.connection() as connection:
        connection.sendall(f"POST {CREATE} HTTP/1.1\r\nhost: x\r\n{line}\r\n\r\n".encode())

        assert drip(connection, drop).count(b"HTTP/1.1 401 ") == 1


def test_a_head_with_very_many_spaces_is_refused_at_once(impatient: Service) -> None:
    """The time of h11 alone grows with the square of their number. 250,000 would stop the process for five minutes."""
    spaces = b"GET / HTTP/1.1\r\nhost: x\r\na:" + b" " * 240_000 + b"\x00\r\n\r\n"

    for _ in range(5):
        assert impatient.sent(spaces).startswith(b"HTTP/1.1 400 ")
    assert impatient.get("/healthz").status_code == 200


def a_small_reader(service: Service) -> socket.socket:
    """A connection with little room for bytes that it does not read."""
    connection = socket.socket()
    connection.settimeout(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", int(service.environment["INTAKE_PORT"])))
    return connection


def established(service: Service) -> int:
    """The number of clients' connections to the shim, as the system tells."""
    port = f":{int(service.environment['INTAKE_PORT']):04X}"
    with open("/proc/net/tcp", encoding="ascii") as lines:  # noqa: PTH123 - no file
        return sum(1 for line in lines if line.split()[1].endswith(port) and line.split()[3] == "01")


def test_clients_that_never_read_do_not_keep_memory_or_connections_for_long(impatient: Service) -> None:
    """200 clients once made the shim keep 331 MiB for 10 KB of requests."""
    assert impatient.get("/docs/swagger-ui-bundle.js").status_code == 200
    before = resident_mib(impatient.shim.process.pid or 0, peak=True)
    with ExitStack() as clients:
        for _ in range(200):
            connection = clients.enter_context(closing(a_small_reader(impatient)))
            connection.sendall(BUNDLE * 3)
        impatient.http.get(f"{impatient.shim.url}/healthz", headers={"connection": "close"})
        wait_until(lambda: established(impatient) == 0, timeout=30, what="nobody is left")
        highest = resident_mib(impatient.shim.process.pid or 0, peak=True)

    assert highest - before < 48


def test_a_client_that_reads_slowly_gets_all_of_it(impatient: Service) -> None:
    with closing(a_small_reader(impatient)) as connection:
        connection.sendall(BUNDLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        received = b"".join(iter(lambda: connection.recv(8192), b""))

    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"


def test_thousands_of_requests_in_one_segment_take_no_memory(impatient: Service) -> None:
    """20 connections with 9,000 requests each once took 435 MiB."""
    assert impatient.get("/healthz").status_code == 200
    before = resident_mib(impatient.shim.process.pid or 0, peak=True)
    with ExitStack() as clients:
        for _ in range(20):
            connection = clients.enter_context(impatient.connection())
            connection.settimeout(0.2)
            with suppress(TimeoutError):  # The shim stops reading long before it has everything.
                connection.sendall(GET * 9_000)
        for _ in range(10):
            assert impatient.get("/healthz").status_code == 200

    assert resident_mib(impatient.shim.process.pid or 0, peak=True) - before < 32


def test_a_held_call_with_another_behind_it_ends_when_its_client_leaves(without_worker: Service) -> None:
    body = as_body(a_request())
    held = post(without_worker, f"content-length: {len(body)}", "prefer: wait=60") + body
    for _ in range(10):
        with without_worker.connection() as connection:
            connection.sendall(held + held)
            waiting = without_worker.tasks()
            wait_until(lambda waiting=waiting: without_worker.tasks() >= max(1, waiting), what="it is accepted")  # type: ignore[misc]

    wait_until(lambda: without_worker.metric("intake_waiting_requests") == 0, what="nothing is held for who left")
    assert '"error"' not in without_worker.shim.log()
    assert {line["status"] for line in without_worker.lines("request")} <= {499, 200}


def test_a_bad_chunk_after_100_continue_is_not_counted_as_a_fault_of_ours(without_worker: Service) -> None:
    """It was once counted as a 500, whether the chunk came with the head or when it was asked for."""
    head = post(without_worker, "transfer-encoding: chunked", "expect: 100-continue")
    unread = head.replace(b"authorization", b"x-nobody")

    for first in (head, unread):
        assert b"HTTP/1.1 400 " in without_worker.sent(first + b"zz\r\n")
        with without_worker.connection() as connection:
            connection.sendall(first)
            connection.recv(1 << 16)
            with suppress(ConnectionError):
                connection.sendall(b"zz\r\n")
            read_all(connection)

    assert without_worker.get("/healthz").status_code == 200
    assert "request_failed" not in without_worker.shim.log()
    assert {line["status"] for line in without_worker.lines("request")} <= {499, 401}


def test_a_request_whose_client_has_closed_its_side_is_logged_as_499(without_worker: Service) -> None:
    body = as_body(a_request(email=an_email()))

    assert without_worker.raw(post(without_worker, f"content-length: {len(body)}") + body, end=True) == b""

    wait_until(lambda: without_worker.lines("request"), what="it is logged")
    (line,) = without_worker.lines("request")
    assert (line["status"], without_worker.tasks()) == (499, 1)
    with without_worker.redis() as client:
        assert client.exists(f"intake:task:{line['task_id']}")


def test_connections_beyond_the_bound_are_refused_and_logged_until_there_is_room_again(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_MAX_CONNECTIONS="16", **IMPATIENT))
    with ExitStack() as clients:
        answers = []
        for _ in range(40):
            connection = clients.enter_context(service.connection())
            with suppress(ConnectionError):
                connection.sendall(GET)
                answers.append(read_answer(connection))

        assert sum(answer.startswith(b"HTTP/1.1 200 ") for answer in answers) == 16
    wait_until(lambda: established(service) == 0, what="they are gone")
    assert turned_away(service, "connections") == 24
    assert "connections" in [line["reason"] for line in service.lines("turned_away")]


def test_the_limit_of_open_files_is_raised_and_a_warning_is_logged_where_that_is_not_allowed(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        raised = serve(start_shim(isolated_env, INTAKE_MAX_CONNECTIONS="500"))
        told = serve(start_shim(isolated_env, INTAKE_PORT=str(free_port()), INTAKE_MAX_CONNECTIONS=str(hard)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with ExitStack() as clients:
        for _ in range(400):
            connection = clients.enter_context(raised.connection())
            connection.sendall(GET)
            assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
    assert raised.lines("few_open_files_allowed") == []
    (line,) = told.lines("few_open_files_allowed")
    assert (line["allowed"], line["connections"]) == (hard, hard - 128)


def test_requests_beyond_the_bound_get_503_and_those_that_wait_do_not_count(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_MAX_REQUESTS="2"))
    body = as_body(a_request())
    with ExitStack() as clients:
        for _ in range(5):
            connection = clients.enter_context(service.connection())
            connection.sendall(post(service, f"content-length: {len(body)}", "prefer: wait=60") + body)
        wait_until(lambda: service.metric("intake_waiting_requests") == 5, what="five wait")
        refused = []

        def is_full() -> bool:
            clients.enter_context(service.connection()).sendall(post(service, "content-length: 100"))
            refused.append(service.create())
            return refused[-1].status_code == 503

        wait_until(is_full, what="two bodies are awaited")
        assert refused[-1].json() == {"ok": False, "error": "service_unavailable"}
        assert refused[-1].headers["retry-after"]
        assert service.get("/healthz").status_code == 200
    assert turned_away(service, "requests") >= 1
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        overview = Scripts(client).overview
        wait_until(lambda: [ROOM in each.details.away for each in overview().processes] == [True], what="it is told of")
