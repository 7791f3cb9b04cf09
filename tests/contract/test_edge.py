"""What is no HTTP, too large or too slow to be a request is refused like everything else: in JSON, with an id."""

from __future__ import annotations

import json
import re
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest
import redis

from schemas.task_record import HELD_KEY, OPEN_KEY, RESENT_KEY
from tests.contract.service import CREATE, RESULT, an_email, parse_raw, read_answer
from tests.support.requests import a_request, as_body
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.contract.service import Service

_LIMIT: Final = 64 * 1024
_CHUNKED: Final = ("content-type: application/json", "transfer-encoding: chunked")


def _get(*lines: str, path: str = "/healthz") -> bytes:
    return "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "host: x", *lines)).encode() + b"\r\n"


def _post(service: Service, *lines: str) -> bytes:
    bearer = f"authorization: Bearer {token(service.environment)}"
    return "".join(f"{line}\r\n" for line in (f"POST {CREATE} HTTP/1.1", "host: x", bearer, *lines)).encode() + b"\r\n"


def _refused(answer: bytes, status: int, error: str) -> bool:
    found, headers, body = parse_raw(answer)
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert len(headers["x-request-id"]) == 32
    return (found, body) == (status, {"ok": False, "error": error})


_MALFORMED: Final = [
    b"\r\n\r\nnonsense\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nbad\x00name: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n folded\r\n\r\n",
    b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
    b"GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
]


@pytest.mark.parametrize("request_", _MALFORMED, ids=lambda value: repr(value[-30:]))
def test_what_is_no_http_gets_400_and_the_connection_ends(service: Service, request_: bytes) -> None:
    assert _refused(service.raw(request_), 400, "malformed_request")


def test_a_body_that_breaks_off_into_nonsense_gets_400_and_nothing_is_accepted(without_worker: Service) -> None:
    answer = without_worker.raw(_post(without_worker, *_CHUNKED) + b'5\r\n{"a":\r\nnonsense\r\n')

    assert _refused(answer, 400, "malformed_request")
    assert without_worker.tasks() == 0


@pytest.mark.parametrize(
    "request_",
    [
        _get("a: " + "x" * _LIMIT),
        _get(*(f"a-{number}: {'x' * 100}" for number in range(_LIMIT // 100))),
        _get(path="/" + "x" * _LIMIT),
        _get("a: " + "x" * 4_000_000)[:-4],
        _get(*(f"a-{number}: {'x' * 100}" for number in range(40_000)))[:-4],
    ],
    ids=["one header", "many headers", "the path", "one endless header", "endless headers"],
)
def test_a_head_beyond_64_kib_gets_431_also_where_it_never_ends(service: Service, request_: bytes) -> None:
    assert _refused(service.raw(request_), 431, "head_too_large")


def test_a_head_of_60_kib_is_taken(service: Service) -> None:
    assert parse_raw(service.raw(_get("a: " + "x" * 60_000)))[0] == 200


def test_a_large_body_that_comes_with_its_head_is_not_taken_for_a_head(service: Service) -> None:
    body = as_body(a_request(email=an_email())).ljust(250_000)

    head = _post(service, "content-type: application/json", f"content-length: {len(body)}")

    assert parse_raw(service.raw(head + body))[0] == 202


def test_a_client_that_sends_all_of_a_body_too_large_can_read_why_it_was_refused(service: Service) -> None:
    body = b" " * 5_000_000
    with closing(socket.create_connection(("127.0.0.1", int(service.environment["INTAKE_PORT"])), 10)) as connection:
        connection.sendall(_post(service, "content-type: application/json", f"content-length: {len(body)}"))
        connection.sendall(body)
        assert parse_raw(read_answer(connection))[0] == 413
        assert connection.recv(1) == b""


def test_many_requests_sent_at_once_are_answered_one_by_one(service: Service) -> None:
    count = 3000
    with closing(socket.create_connection(("127.0.0.1", int(service.environment["INTAKE_PORT"])), 10)) as connection:
        connection.sendall(count * _get())
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < count:
            chunk = connection.recv(1 << 16)
            assert chunk
            received += chunk


def test_trailers_are_bounded_too(service: Service) -> None:
    trailers = "".join(f"a-{number}: {'x' * 1000}\r\n" for number in range(1000)).encode()

    with closing(socket.create_connection(("127.0.0.1", int(service.environment["INTAKE_PORT"])), 10)) as connection:
        connection.sendall(_post(service, *_CHUNKED) + b"2\r\n{}\r\n")
        connection.sendall(b"0\r\n" + trailers[:200_000])
        assert _refused(read_answer(connection), 431, "head_too_large")


def test_a_trailer_is_no_header(service: Service) -> None:
    request = _post(service, *_CHUNKED) + b"2\r\n{}\r\n0\r\nidempotency-key: has spaces, so it would be refused\r\n\r\n"

    assert parse_raw(service.raw(request))[0] == 202


def test_nonsense_after_a_request_is_not_answered_in_the_requests_place(without_worker: Service) -> None:
    body = as_body(a_request())
    head = _post(without_worker, "content-type: application/json", f"content-length: {len(body)}", "prefer: wait=60")

    assert without_worker.raw(head + body + b"\x00nonsense") == b""


def test_a_request_to_speak_another_protocol_is_answered_as_http(service: Service) -> None:
    body = as_body(a_request(email=an_email()))
    upgrade = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__")

    assert parse_raw(service.raw(_get(*upgrade)))[0] == 200
    length = f"content-length: {len(body)}"
    assert parse_raw(service.raw(_post(service, "content-type: application/json", length, *upgrade) + body))[0] == 202


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_connection_ends_with_the_answer_where_the_client_asks_for_it(service: Service, version: str) -> None:
    lines = ["connection: close"] if version == "1.1" else []
    with closing(socket.create_connection(("127.0.0.1", int(service.environment["INTAKE_PORT"])), 10)) as connection:
        connection.sendall(_get(*lines).replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    status, headers, body = parse_raw(answer)
    assert (status, headers["connection"], body) == (200, "close", {"ok": True})


def test_the_answer_to_head_has_no_body(service: Service) -> None:
    last = _get("connection: close")
    with closing(socket.create_connection(("127.0.0.1", int(service.environment["INTAKE_PORT"])), 10)) as connection:
        connection.sendall(_get().replace(b"GET", b"HEAD") + last)
        answers = b"".join(iter(lambda: connection.recv(1 << 16), b"")).split(b"\r\n\r\n")

    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b'{"ok":true}']


def test_a_shim_that_is_told_to_stop_answers_the_calls_that_wait_and_ends(without_worker: Service) -> None:
    body = as_body(a_request())
    head = _post(without_worker, "content-type: application/json", f"content-length: {len(body)}", "prefer: wait=60")
    port = int(without_worker.environment["INTAKE_PORT"])
    with closing(socket.create_connection(("127.0.0.1", port), 10)) as connection:
        connection.sendall(head + body)
        waiting = "\nintake_waiting_requests 1.0\n"
        wait_until(lambda: waiting in without_worker.get("/metrics").text, what="the call is held")
        without_worker.http.close()
        without_worker.shim.process.terminate()
        status, _, answer = parse_raw(read_answer(connection))
        assert connection.recv(1) == b""

    assert (status, answer["task"]["status"]) == (202, "PENDING")
    assert not without_worker.shim.process.alive


def test_what_was_refused_is_logged_and_counted(service: Service) -> None:
    _, headers, _ = parse_raw(service.raw(b"nonsense\r\n\r\n"))

    wait_until(lambda: headers["x-request-id"] in service.shim.log(), what="the line is written")
    (line,) = [json.loads(line) for line in service.shim.log().splitlines() if headers["x-request-id"] in line]
    assert (line["event"], line["status"], line["route"]) == ("request", 400, "other")
    metrics = service.get("/metrics").text
    assert 'intake_requests_total{method="other",route="other",status="400"}' in metrics


def test_only_what_a_living_worker_holds_is_told_as_held(without_worker: Service) -> None:
    with redis.Redis.from_url(without_worker.environment["INTAKE_REDIS_URL"]) as client:
        now = 1000 * client.time()[0]
        client.zadd(HELD_KEY, {"held": now + 60_000, "by-a-dead-worker": now - 1000})

    assert "\nintake_held_tasks 1" in without_worker.get("/metrics").text


def test_the_oldest_task_is_as_old_as_it_is_also_when_it_was_sent_again(without_worker: Service) -> None:
    with redis.Redis.from_url(without_worker.environment["INTAKE_REDIS_URL"]) as client:
        now = 1000 * client.time()[0]
        client.zadd(OPEN_KEY, {"sent-again": now, "younger": now - 50_000})
        client.zadd(RESENT_KEY, {"sent-again": now - 4_000_000})
        shown = without_worker.get("/metrics").text
        client.delete(OPEN_KEY, RESENT_KEY)

    assert re.search(r"^intake_oldest_open_seconds 40\d\d", shown, re.MULTILINE)


def test_no_metric_tells_when_each_series_began(service: Service) -> None:
    service.get(RESULT, id="x")

    assert "_created" not in service.get("/metrics").text
