"""The bounds of an upload, how it is slowed and refused, and how it breaks off. Accepted rows always stay accepted."""

from __future__ import annotations

import gzip
import itertools
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from schemas.protocol.lanes import CHUNKS
from tests.conftest import fresh_environment
from tests.contract.batch_client import BATCH, NDJSON, BatchClient, a_row, lines
from tests.contract.service import an_email, parse_raw, read_all, read_answer
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.conftest import Environment, Running, Servers, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service

IMPATIENT: Final = {"INTAKE_BATCH_WAIT_SECONDS": "0.2"}
"""With these settings an upload is refused soon where there is no room for it."""


@pytest.fixture(scope="module")
def shim(stack: Servers, start_module_shim: Starter) -> Running:
    """A shim with the default settings and without a worker, for tests that leave it as they find it."""
    return start_module_shim(fresh_environment(stack))


@pytest.fixture
def caller(shim: Running, serve: Serve) -> BatchClient:
    """A caller of this shim that no other test has."""
    return BatchClient(serve(shim), sub=an_email())


@pytest.fixture
def alone(isolated_env: Environment, start_shim: Starter, serve: Serve) -> Callable[..., BatchClient]:
    """Makes a caller of a shim with these settings and without a worker."""
    return lambda **settings: BatchClient(serve(start_shim(isolated_env, **settings)), sub=an_email())


def _rows(count: int) -> bytes:
    return lines(*(a_row() for _ in range(count)))


def _refused(response: httpx.Response, status: int, error: str) -> dict[str, Any]:
    """The batch in an answer that refuses."""
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    batch: dict[str, Any] = response.json()["batch"]
    return batch


def test_the_refusal_of_too_many_rows_tells_how_many_are_accepted(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_BATCH_MAX_ROWS="300")

    batch = _refused(client.upload(_rows(600)), 413, "payload_too_large")

    assert batch["rows"] == 256
    summary = client.result(batch["id"], wait=0).json()["batch"]
    assert (summary["rows"], summary["complete"], summary["status"]) == (256, False, "RUNNING")
    assert client.upload(_rows(300)).status_code == 202


@pytest.mark.parametrize("chunked", [False, True])
def test_the_refusal_of_too_many_bytes_tells_how_many_rows_are_accepted(
    alone: Callable[..., BatchClient], chunked: bool
) -> None:
    client = alone(INTAKE_BATCH_MAX_BYTES="1000000")
    body = _rows(12_000)

    batch = _refused(
        client.upload((body[at : at + 9000] for at in range(0, len(body), 9000)) if chunked else body),
        413,
        "payload_too_large",
    )

    # A body that is announced as too long is not read at all.
    assert batch["rows"] > 256 if chunked else batch["rows"] == 0


def test_a_gzip_bomb_is_refused_once_it_has_made_as_many_bytes_as_it_may(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_BATCH_MAX_BYTES="1000000")
    row = a_row() + b"\n"

    for byte in (b"\n", b"x"):
        bomb = gzip.compress(byte * 300_000_000, 1)
        batch = _refused(client.upload(bomb, {"content-encoding": "gzip"}), 413, "payload_too_large")
        assert batch["rows"] == 0
    batch = _refused(
        client.upload(gzip.compress(row * 100_000), {"content-encoding": "gzip"}), 413, "payload_too_large"
    )
    assert 0 < batch["rows"] <= 1_000_000 // len(row)


def test_an_upload_is_slowed_while_as_many_rows_are_open_as_may_be(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_MAX_OPEN_ROWS="300"), start_worker(isolated_env))

    summary = BatchClient(service).done(_rows(3000))

    assert summary["outcomes"] == {"created": 3000}


def test_an_upload_that_was_slowed_in_vain_is_told_how_many_rows_are_accepted(
    alone: Callable[..., BatchClient],
) -> None:
    client = alone(INTAKE_MAX_OPEN_ROWS="300", **IMPATIENT)
    body = _rows(600)

    response = client.upload(body, name="one")

    assert _refused(response, 429, "queue_full")["rows"] == 256
    assert int(response.headers["retry-after"]) >= 1
    # The same call is made again. The rows that are accepted already take no room a second time.
    assert _refused(client.upload(body, name="one"), 429, "queue_full")["rows"] == 256
    wait_until(lambda: client.service.metric("intake_open_rows") == 256, what="they are shown")
    assert client.service.metric('intake_batch_rows_total{result="known"}') == 256


def test_a_caller_may_have_a_bounded_number_of_open_batches(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_MAX_OPEN_BATCHES="2")
    for _ in range(2):
        client.accepted(_rows(1))

    response = client.upload(_rows(1))

    assert (response.status_code, response.json()) == (429, {"ok": False, "error": "rate_limited"})
    assert int(response.headers["retry-after"]) >= 1
    assert BatchClient(client.service, sub=an_email()).upload(_rows(1)).status_code == 202
    assert client.cancel(client.list()[0]["id"]).status_code == 200
    assert client.upload(_rows(1)).status_code == 202


def test_a_caller_over_its_rate_is_refused(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_RATE_PER_SECOND="0.01", INTAKE_RATE_BURST="2")

    answers = [client.upload(_rows(1)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["error"] == "rate_limited"


def _head(client: BatchClient, *more: str) -> bytes:
    token = client.bearer["authorization"]
    head = (f"POST {BATCH} HTTP/1.1", "host: x", f"authorization: {token}", f"content-type: {NDJSON}", *more)
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"


def _in_chunks(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


@contextmanager
def _held(client: BatchClient, body: bytes) -> Iterator[socket.socket]:
    """An upload whose client has sent this body, and may send more."""
    chunks = client.service.metric("intake_queue_chunks")
    with client.service.connection() as connection:
        connection.sendall(_head(client, "transfer-encoding: chunked") + _in_chunks(body))
        if body.count(b"\n") >= 256:
            wait_until(lambda: client.service.metric("intake_queue_chunks") > chunks, what="a chunk is accepted")
        else:
            wait_until(lambda: client.service.metric("intake_uploads") == 1, what="the upload has begun")
        yield connection


def _only(client: BatchClient) -> dict[str, Any]:
    (batch,) = client.list()
    return batch


def test_when_a_client_leaves_the_rows_that_came_whole_are_accepted(caller: BatchClient) -> None:
    with _held(caller, _rows(300) + a_row()[:-9]):
        assert caller.upload(_rows(1)).status_code == 202

    wait_until(lambda: caller.service.metric("intake_uploads") == 0, what="the shim has noticed")
    broken, whole = sorted(caller.list(), key=lambda batch: batch["complete"])
    assert (broken["rows"], broken["complete"]) == (300, False)
    assert (whole["rows"], whole["complete"]) == (1, True)
    wait_until(lambda: [line for line in caller.service.lines("request") if line["status"] == 499], what="it is told")
    (told,) = [line for line in caller.service.lines("batch_uploaded") if line["batch_id"] == broken["id"]]
    assert (told["result"], told["rows"]) == ("client_left", 300)


def test_of_a_body_that_does_not_come_in_time_the_rows_that_came_are_accepted(
    alone: Callable[..., BatchClient],
) -> None:
    client = alone(INTAKE_BODY_SECONDS="0.5")

    with _held(client, _rows(300) + b'{"half') as connection:
        status, headers, answer = parse_raw(read_answer(connection))

    assert (status, answer["error"], answer["batch"]["rows"]) == (408, "request_timeout", 300)
    assert headers["connection"] == "close"
    assert _only(client)["rows"] == 300


@pytest.mark.parametrize("wants_consent", [True, False])
def test_a_client_that_waits_for_consent_gets_the_consent_or_the_answer(
    caller: BatchClient, wants_consent: bool
) -> None:
    body = _rows(300)
    with caller.service.connection() as connection:
        media_type = "" if wants_consent else "application/json"
        head = _head(caller, f"content-length: {len(body)}", "expect: 100-continue")
        connection.sendall(head if wants_consent else head.replace(NDJSON.encode(), media_type.encode()))
        if wants_consent:
            assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
            connection.sendall(body)
            assert parse_raw(read_answer(connection))[0] == 202
        else:
            assert parse_raw(read_all(connection))[0] == 415


def test_a_body_may_come_byte_by_byte(caller: BatchClient) -> None:
    body = _rows(3)

    assert caller.upload(bytes([byte]) for byte in body).json()["batch"]["rows"] == 3


def test_each_row_of_a_canceled_batch_has_the_outcome_canceled(caller: BatchClient) -> None:
    batch_id = caller.accepted(_rows(600))

    response = caller.cancel(batch_id)

    assert response.status_code == 200
    assert response.json()["batch"]["status"] == "CANCELED"
    assert response.json()["batch"]["outcomes"] == {"canceled": 600}
    assert caller.rows_of(batch_id, follow="true") == [
        {"row": number, "ok": False, "error": "canceled"} for number in range(1, 601)
    ]
    assert caller.cancel(batch_id).json()["batch"]["outcomes"] == {"canceled": 600}


def test_an_upload_whose_batch_is_canceled_is_not_read_any_further(caller: BatchClient) -> None:
    with _held(caller, _rows(300)) as connection:
        assert caller.cancel(_only(caller)["id"]).status_code == 200
        connection.sendall(_in_chunks(_rows(300)))
        status, _, answer = parse_raw(read_answer(connection))

    assert (status, answer["batch"]["status"], answer["batch"]["rows"]) == (202, "CANCELED", 256)
    assert caller.result(answer["batch"]["id"]).json()["batch"]["outcomes"] == {"canceled": 256}


def test_an_upload_that_a_stop_ends_is_told_how_many_rows_are_accepted(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_BODY_SECONDS="100", INTAKE_SHUTDOWN_SECONDS="60")

    with _held(client, _rows(300)) as connection:
        client.service.http.close()
        client.service.shim.process.ask_to_stop()
        status, headers, answer = parse_raw(read_answer(connection))

    assert (status, answer["error"], answer["batch"]["rows"]) == (503, "service_unavailable", 300)
    assert (headers["connection"], "retry-after" in headers) == ("close", True)
    assert client.service.shim.process.wait(15)


def test_an_upload_that_never_ends_does_not_delay_a_stop(alone: Callable[..., BatchClient]) -> None:
    """Whether the client still reads an answer depends on what it is sending then. So the test reads the log."""
    client = alone(INTAKE_SHUTDOWN_SECONDS="60")
    several = _in_chunks(_rows(2048))
    client.service.http.close()

    with client.service.connection() as connection, suppress(ConnectionError):
        connection.sendall(_head(client, "transfer-encoding: chunked"))
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
    batch_id = client.accepted(_rows(3))
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


def test_slow_uploads_and_calls_that_follow_take_no_room_from_signups(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_MAX_REQUESTS="1", INTAKE_MAX_UPLOADS="2")
    batch_id = client.accepted(_rows(1))
    rows = f"{client.service.shim.url}{BATCH}.rows?id={batch_id}&follow=true"

    with (
        client.service.http.stream("GET", rows, headers=client.bearer),
        _held(client, _rows(300)),
        _held(client, _rows(300)),
    ):
        assert client.service.create().status_code == 202
        refused = client.upload(_rows(1))
        assert (refused.status_code, refused.json()["error"]) == (503, "service_unavailable")
        assert "retry-after" in refused.headers
        assert client.service.metric('intake_turned_away_total{reason="uploads"}') == 1
    wait_until(lambda: client.service.metric("intake_uploads") == 0, what="the shim has noticed")
    assert client.upload(_rows(1)).status_code == 202


def test_a_call_that_follows_gets_503_where_there_is_no_room_for_it(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_MAX_WAITING="0")
    batch_id = client.accepted(_rows(1))

    assert client.service.get(f"{BATCH}.rows", client.bearer, id=batch_id, follow="true").status_code == 503
    assert client.result(batch_id, wait=20).status_code == 202


def test_an_upload_whose_wait_is_over_is_answered_as_accepted(caller: BatchClient) -> None:
    response = caller.upload(_rows(1), {"prefer": "wait=1"})

    assert response.status_code == 202
    assert response.headers["vary"] == "Prefer"
    assert "preference-applied" not in response.headers


def test_a_call_that_does_not_follow_ends_before_the_first_unfinished_row(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env))
    client = BatchClient(service, sub=an_email())
    batch_id = client.accepted(_rows(600))
    assert client.rows_of(batch_id) == []
    result = client.result(batch_id, wait=0)
    assert (result.status_code, result.json()["batch"]["status"]) == (202, "RUNNING")
    with service.redis() as redis:
        # Nobody works on the second chunk.
        redis.ltrim(CHUNKS.queue, -1, -1)

    start_worker(isolated_env)

    wait_until(lambda: len(client.rows_of(batch_id)) == 256, what="the rows before it are told")
    assert client.rows_of(batch_id, after="256") == []


def test_a_slow_reader_of_rows_delays_nobody(service: Service) -> None:
    client = BatchClient(service, sub=an_email())
    batch_id = client.done(_rows(6000))["id"]
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
