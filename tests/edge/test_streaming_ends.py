"""A long body or answer that ends early: the client leaves or is too slow, the method fails, or the shim stops."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.edge.streaming_app import MIB, MOST_BYTES
from tests.edge.streaming_server import Server, get, leave, post, read_answer
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable


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
