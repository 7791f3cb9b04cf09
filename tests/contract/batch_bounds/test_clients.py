"""Clients that leave, cancel, wait for consent, send or read slowly, or ask too early. Accepted rows stay accepted."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from schemas.protocol.lanes import CHUNKS
from tests.contract.batch_bounds.uploads import held, in_chunks, only_batch, some_rows, upload_head
from tests.contract.batch_client import BATCH, NDJSON, BatchClient, a_row
from tests.contract.service import an_email, parse_raw, read_all, read_answer
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service


def test_when_a_client_leaves_the_rows_that_came_whole_are_accepted(caller: BatchClient) -> None:
    with held(caller, some_rows(300) + a_row()[:-9]):
        assert caller.upload(some_rows(1)).status_code == 202

    wait_until(lambda: caller.service.metric("intake_uploads") == 0, what="the shim has noticed")
    broken, whole = sorted(caller.list(), key=lambda batch: batch["complete"])
    assert (broken["rows"], broken["complete"]) == (300, False)
    assert (whole["rows"], whole["complete"]) == (1, True)
    wait_until(lambda: [line for line in caller.service.lines("request") if line["status"] == 499], what="it is told")
    (told,) = [line for line in caller.service.lines("batch_uploaded") if line["batch_id"] == broken["id"]]
    assert (told["result"], told["rows"]) == ("client_left", 300)


@pytest.mark.parametrize("wants_consent", [True, False])
def test_a_client_that_waits_for_consent_gets_the_consent_or_the_answer(
    caller: BatchClient, wants_consent: bool
) -> None:
    body = some_rows(300)
    with caller.service.connection() as connection:
        media_type = "" if wants_consent else "application/json"
        head = upload_head(caller, f"content-length: {len(body)}", "expect: 100-continue")
        connection.sendall(head if wants_consent else head.replace(NDJSON.encode(), media_type.encode()))
        if wants_consent:
            assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
            connection.sendall(body)
            assert parse_raw(read_answer(connection))[0] == 202
        else:
            assert parse_raw(read_all(connection))[0] == 415


def test_a_body_may_come_byte_by_byte(caller: BatchClient) -> None:
    body = some_rows(3)

    assert caller.upload(bytes([byte]) for byte in body).json()["batch"]["rows"] == 3


def test_each_row_of_a_canceled_batch_has_the_outcome_canceled(caller: BatchClient) -> None:
    batch_id = caller.accepted(some_rows(600))

    response = caller.cancel(batch_id)

    assert response.status_code == 200
    assert response.json()["batch"]["status"] == "CANCELED"
    assert response.json()["batch"]["outcomes"] == {"canceled": 600}
    assert caller.rows_of(batch_id, follow="true") == [
        {"row": number, "ok": False, "error": "canceled"} for number in range(1, 601)
    ]
    assert caller.cancel(batch_id).json()["batch"]["outcomes"] == {"canceled": 600}


def test_an_upload_whose_batch_is_canceled_is_not_read_any_further(caller: BatchClient) -> None:
    with held(caller, some_rows(300)) as connection:
        assert caller.cancel(only_batch(caller)["id"]).status_code == 200
        connection.sendall(in_chunks(some_rows(300)))
        status, _, answer = parse_raw(read_answer(connection))

    assert (status, answer["batch"]["status"], answer["batch"]["rows"]) == (202, "CANCELED", 256)
    assert caller.result(answer["batch"]["id"]).json()["batch"]["outcomes"] == {"canceled": 256}


def test_an_upload_whose_wait_is_over_is_answered_as_accepted(caller: BatchClient) -> None:
    response = caller.upload(some_rows(1), {"prefer": "wait=1"})

    assert response.status_code == 202
    assert response.headers["vary"] == "Prefer"
    assert "preference-applied" not in response.headers


def test_a_call_that_does_not_follow_ends_before_the_first_unfinished_row(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env))
    client = BatchClient(service, sub=an_email())
    batch_id = client.accepted(some_rows(600))
    assert client.rows_of(batch_id) == []
    result = client.result(batch_id, wait=0)
    assert (result.status_code, result.json()["batch"]["status"]) == (202, "RUNNING")
    with service.redis() as redis:
        # Nobody works on the second chunk.
        redis.ltrim(CHUNKS.queue, -1, -1)

    start_worker(isolated_env)

    wait_until(lambda: len(client.rows_of(batch_id)) == 256, what="the rows before it are told")
    assert client.rows_of(batch_id, after="256") == []


@pytest.mark.slow
def test_a_slow_reader_of_rows_delays_nobody(service: Service) -> None:
    client = BatchClient(service, sub=an_email())
    batch_id = client.done(some_rows(6000))["id"]
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", int(service.environment["INTAKE_PORT"])))
        slow.sendall(
            f"GET {BATCH}.rows?id={batch_id}&limit=6000 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            f"authorization: {client.bearer['authorization']}\r\n\r\n".encode()
        )
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")

        assert len(client.rows_of(batch_id, limit="6000")) == 6000
        assert service.create({"prefer": "wait=20"}).status_code == 200
        rest = read_all(slow)
    assert rest.count(b'"ok":true') == 6000
