"""What a shim does from SIGTERM to its end. Balancers notice, calls that wait are answered, and no client delays it."""

from __future__ import annotations

import signal
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from tests.contract.service import CREATE, Service, parse_raw, read_all, read_answer
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.requests import a_request, as_body
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from local_stack.redis_server import RedisServer
    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

GET: Final = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
LONG: Final = {"INTAKE_SHUTDOWN_SECONDS": "100", "INTAKE_WRITE_SECONDS": "100", "INTAKE_BODY_SECONDS": "100"}
"""With these settings a client that delays the shim would delay it for longer than a test waits."""


def _create(service: Service, *lines: str) -> bytes:
    bearer = f"authorization: Bearer {token(service.environment)}"
    head = (f"POST {CREATE} HTTP/1.1", "host: x", bearer, "content-type: application/json", *lines)
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"


def _held(service: Service) -> bytes:
    body = as_body(a_request())
    return _create(service, f"content-length: {len(body)}", "prefer: wait=60") + body


def _terminate(service: Service) -> None:
    service.shim.process.ask_to_stop()


def test_a_shim_that_is_told_to_stop_answers_the_calls_that_wait_and_ends(without_worker: Service) -> None:
    with without_worker.connection() as connection:
        connection.sendall(_held(without_worker))
        wait_until(lambda: without_worker.metric("intake_waiting_requests") == 1, what="the call is held")
        without_worker.http.close()
        _terminate(without_worker)
        status, _, answer = parse_raw(read_answer(connection))
        assert connection.recv(1) == b""

    assert (status, answer["task"]["status"]) == (202, "PENDING")
    assert without_worker.shim.process.wait(10)


@pytest.mark.parametrize("how", ["frozen", pytest.param("unreachable", marks=pytest.mark.slow)])
def test_a_redis_that_does_not_answer_does_not_delay_a_stop(
    own_redis: RedisServer, isolated_env: Environment, start_shim: Starter, serve: Serve, how: str
) -> None:
    with TcpProxy(own_redis.port) as proxy:
        url = own_redis.url.replace(f":{own_redis.port}", f":{proxy.port}")
        service = serve(
            start_shim({**isolated_env, "INTAKE_REDIS_URL": url}, INTAKE_REDIS_TIMEOUT_SECONDS="0.5", **LONG)
        )
        with service.connection() as connection:
            connection.sendall(_held(service))
            wait_until(lambda: service.metric("intake_waiting_requests") == 1, what="the call is held")
            if how == "frozen":
                own_redis.process.pause()
            else:
                proxy.black_hole = True
            _terminate(service)

            assert parse_raw(read_answer(connection))[0] in {202, 503}
            assert service.shim.process.wait(15)


@pytest.mark.parametrize("processes", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_a_shim_goes_on_serving_while_it_drains(
    isolated_env: Environment, start_shim: Starter, serve: Serve, processes: str
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_DRAIN_SECONDS="2", INTAKE_PROCESSES=processes))
    wait_until(lambda: service.shim.log().count("Application startup complete") == int(processes), what="all serve")
    with service.connection() as connection:
        connection.sendall(_held(service))
        wait_until(lambda: service.tasks() == 1, what="the call is accepted")

        _terminate(service)

        assert parse_raw(read_answer(connection))[0] == 202

    def is_unready() -> bool:
        return service.get("/readyz", {"connection": "close"}).status_code == 503

    wait_until(is_unready, what="it says that it is going")
    assert service.get("/readyz", {"connection": "close"}).json()["data"]["missing"] == ["shutting_down"]
    accepted = service.create({"prefer": "wait=60"})
    assert accepted.status_code == 202
    assert accepted.headers["connection"] == "close"
    assert service.shim.process.wait(20)


def test_a_second_sigterm_does_not_shorten_the_draining(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    """The system sends one to each process of a service, and uvicorn's supervisor sends another."""
    service = serve(start_shim(isolated_env, INTAKE_DRAIN_SECONDS="3"))
    for _ in range(3):
        _terminate(service)
        wait_until(lambda: service.get("/readyz").status_code == 503, what="it is draining")

    assert service.create().status_code == 202
    assert service.shim.process.wait(20)


def test_ctrl_c_ends_without_draining(isolated_env: Environment, start_shim: Starter) -> None:
    shim = start_shim(isolated_env, INTAKE_DRAIN_SECONDS="99", **LONG)

    shim.process.send(signal.SIGINT)

    assert shim.process.wait(20)


_HOLDERS: Final = {
    "a half-sent head": GET[:20],
    "nothing at all": b"",
    "an idle connection": GET,
    "a half-sent second head": GET + GET[:20],
}


@pytest.mark.parametrize("sent", _HOLDERS.values(), ids=_HOLDERS)
def test_a_client_that_owes_something_does_not_delay_a_stop(
    isolated_env: Environment, start_shim: Starter, serve: Serve, sent: bytes
) -> None:
    service = serve(start_shim(isolated_env, **LONG))
    with service.connection() as connection:
        connection.sendall(sent)
        if b"\r\n\r\n" in sent:
            read_answer(connection)
        _terminate(service)

        assert service.shim.process.wait(15)


def test_a_body_that_does_not_come_does_not_delay_a_stop(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, **LONG))
    with service.connection() as connection:
        connection.sendall(_create(service, "content-length: 1000", "expect: 100-continue"))
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        _terminate(service)

        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
        assert service.shim.process.wait(15)


def test_a_client_that_never_reads_does_not_delay_a_stop(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    """The stop once took 25 s, the longest time that a stop may take."""
    service = serve(start_shim(isolated_env, **LONG))
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", int(service.environment["INTAKE_PORT"])))
        connection.sendall(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n" * 9)
        wait_until(lambda: service.get("/healthz").status_code == 200, what="the shim has read it")
        _terminate(service)

        assert service.shim.process.wait(15)
