"""Uploads and answers that the shim ends: a body takes too long, or the shim stops. Accepted rows stay accepted."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.contract.batch_bounds.uploads import held, in_chunks, only_batch, some_rows, upload_head
from tests.contract.batch_client import BATCH, BatchClient
from tests.contract.service import parse_raw, read_all, read_answer
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable


def test_of_a_body_that_does_not_come_in_time_the_rows_that_came_are_accepted(
    alone: Callable[..., BatchClient],
) -> None:
    client = alone(INTAKE_BODY_SECONDS="0.5")

    with held(client, some_rows(300) + b'{"half') as connection:
        status, headers, answer = parse_raw(read_answer(connection))

    assert (status, answer["error"], answer["batch"]["rows"]) == (408, "request_timeout", 300)
    assert headers["connection"] == "close"
    assert only_batch(client)["rows"] == 300


def test_an_upload_that_a_stop_ends_is_told_how_many_rows_are_accepted(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_BODY_SECONDS="100", INTAKE_SHUTDOWN_SECONDS="60")

    with held(client, some_rows(300)) as connection:
        client.service.http.close()
        client.service.shim.process.ask_to_stop()
        status, headers, answer = parse_raw(read_answer(connection))

    assert (status, answer["error"], answer["batch"]["rows"]) == (503, "service_unavailable", 300)
    assert (headers["connection"], "retry-after" in headers) == ("close", True)
    assert client.service.shim.process.wait(15)


def test_an_upload_that_never_ends_does_not_delay_a_stop(alone: Callable[..., BatchClient]) -> None:
    """Whether the client still reads an answer depends on what it is sending then. So the test reads the log."""
    client = alone(INTAKE_SHUTDOWN_SECONDS="60")
    several = in_chunks(some_rows(2048))
    client.service.http.close()

    with client.service.connection() as connection, suppress(ConnectionError):
        connection.sendall(upload_head(client, "transfer-encoding: chunked"))
        for number in itertools.count():
            connection.sendall(several)
            if number == 9:
                client.service.shim.process.ask_to_stop()

    assert client.service.shim.process.wait(15)
    (told,) = client.service.lines("batch_uploaded")
    assert told["result"] == "service_unavailable"
    assert told["rows"] > 2048
    assert client.service.lines("request")[-1]["status"] == 503


def test_a_stop_cuts_off_the_answer_to_a_call_that_follows(alone: Callable[..., BatchClient]) -> None:
    """An answer that ended properly would mean that no more rows come."""
    client = alone(INTAKE_SHUTDOWN_SECONDS="60")
    batch_id = client.accepted(some_rows(3))
    with client.service.connection() as connection:
        connection.sendall(
            f"GET {BATCH}.rows?id={batch_id}&follow=true HTTP/1.1\r\nhost: x\r\n"
            f"authorization: {client.bearer['authorization']}\r\n\r\n".encode()
        )
        wait_until(lambda: client.service.metric("intake_waiting_requests") == 1, what="it follows")
        client.service.http.close()
        client.service.shim.process.ask_to_stop()
        answer = read_all(connection)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert not answer.endswith(b"0\r\n\r\n")
    assert client.service.shim.process.wait(15)
    assert client.service.lines("request_failed") == []
    assert client.service.lines("request")[-1]["reason"] == "cut_off"
