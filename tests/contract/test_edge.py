"""Bytes that are no HTTP or can be read in two ways are refused, and the connection ends. Nothing is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import redis

from schemas.protocol.keys import HELD_KEY, OPEN_KEY, RESENT_KEY
from tests.contract.service import CREATE, RESULT, an_email, parse_raw, read_answer
from tests.support.requests import a_request, as_body
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.contract.service import Service

_LIMIT: Final = 16 * 1024
_CHUNKED: Final = ("content-type: application/json", "transfer-encoding: chunked")


def _get(*lines: str, path: str = "/healthz") -> bytes:
    return "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "host: x", *lines)).encode() + b"\r\n"


def _post(service: Service, *lines: str) -> bytes:
    bearer = f"authorization: Bearer {token(service.environment)}"
    return "".join(f"{line}\r\n" for line in (f"POST {CREATE} HTTP/1.1", "host: x", bearer, *lines)).encode() + b"\r\n"


def _is_refused(answer: bytes) -> bool:
    """Whether it is one 400 that says that the connection ends. It is the server's in plain text, or ours."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"http/1.1 400 bad request"
    assert b"connection: close" in lines
    if b"content-type: application/json" in lines:
        return bool(parse_raw(answer)[2] == {"ok": False, "error": "malformed_request"})
    return b"Invalid HTTP request received." in body and body.count(b"HTTP/1.1") == 0


_MALFORMED: Final = [
    b"\r\n\r\nnonsense\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # The beginning of TLS.
    b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nbad\x00name: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n\tfolded\r\n\r\n",
    b"GET / HTTP/1.1\nhost: x\n\n",
    b"GET / HTTP/1.1\r\nhost: x\na: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n",
    b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
    b"GET / HTTP/2.0\r\nhost: x\r\n\r\n",
    b"GET / RTSP/1.0\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /\xc3\xa4 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@pytest.mark.parametrize("request_", _MALFORMED, ids=lambda value: repr(value[-30:]))
def test_bytes_that_are_no_http_get_400_and_the_connection_ends(service: Service, request_: bytes) -> None:
    assert _is_refused(service.sent(request_))


_FRAMINGS: Final = {
    "two lengths": ("content-length: 2", "content-length: 3"),
    "two lengths in one header": ("content-length: 2, 3",),
    "a negative length": ("content-length: -1",),
    "a signed length": ("content-length: +2",),
    "a length in hexadecimal": ("content-length: 0x2",),
    "a length with white space": ("content-length: 2 2",),
    "a length of many digits": (f"content-length: {'0' * 20}2",),
    "a length and chunks": ("content-length: 2", "transfer-encoding: chunked"),
    "chunks and a length": ("transfer-encoding: chunked", "content-length: 2"),
    "gzip": ("transfer-encoding: gzip",),
    "gzip, chunked": ("transfer-encoding: gzip, chunked",),
    "chunked, identity": ("transfer-encoding: chunked, identity",),
    "identity": ("transfer-encoding: identity",),
    "chunked twice": ("transfer-encoding: chunked", "transfer-encoding: chunked"),
    "chunked in quotes": ('transfer-encoding: "chunked"',),
    "chunked with a parameter": ("transfer-encoding: chunked;q=1",),
    "xchunked": ("transfer-encoding: xchunked",),
    "chunked after a vertical tab": ("transfer-encoding: \x0bchunked",),
    "a folded coding": ("transfer-encoding:", " chunked"),
    "white space before the colon": ("transfer-encoding : chunked",),
}


@pytest.mark.parametrize("lines", _FRAMINGS.values(), ids=_FRAMINGS)
def test_a_body_whose_end_is_not_clear_is_refused_and_later_bytes_are_never_read_as_a_request(
    service: Service, lines: tuple[str, ...]
) -> None:
    smuggled = _get("x-request-id: smuggled")

    answer = service.sent(_post(service, "content-type: application/json", *lines) + b"0\r\n\r\n" + smuggled)

    assert _is_refused(answer)


_CHUNKS: Final = [
    b"2\n{}\r\n0\r\n\r\n",
    b"2 \r\n{}\r\n0\r\n\r\n",
    b"0x2\r\n{}\r\n0\r\n\r\n",
    b"-2\r\n{}\r\n0\r\n\r\n",
    b"10000000000000002\r\n{}\r\n0\r\n\r\n",
    b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    b"2\r\n{}}\r\n0\r\n\r\n",
    b"2\r\n{}\r\n0\r\n\n",
    b"2\r\n{}\r\n0\r\na: " + b"x" * _LIMIT + b"\r\n\r\n",
    b'5\r\n{"a":\r\nnonsense\r\n',
]


@pytest.mark.parametrize("chunks", _CHUNKS, ids=lambda value: repr(value[-30:]))
def test_malformed_chunks_get_400_and_nothing_is_accepted(service: Service, chunks: bytes) -> None:
    accepted = service.metric('intake_accepts_total{result="accepted"}')

    assert _is_refused(service.sent(_post(service, *_CHUNKED), chunks + _get()))

    assert service.metric('intake_accepts_total{result="accepted"}') == accepted


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
def test_a_head_beyond_16_kib_gets_400_also_where_it_never_ends(service: Service, request_: bytes) -> None:
    assert _is_refused(service.sent(request_))


def test_a_head_of_16_kib_is_taken(service: Service) -> None:
    assert parse_raw(service.raw(_get("a: " + "x" * (_LIMIT - 100))))[0] == 200


def test_a_large_body_that_comes_with_its_head_is_not_taken_for_a_head(service: Service) -> None:
    body = as_body(a_request(email=an_email())).ljust(250_000)

    head = _post(service, "content-type: application/json", f"content-length: {len(body)}")

    assert parse_raw(service.raw(head + body))[0] == 202


def test_a_client_that_sends_all_of_a_body_too_large_can_read_why_it_was_refused(service: Service) -> None:
    body = b" " * 5_000_000
    with service.connection() as connection:
        connection.sendall(_post(service, "content-type: application/json", f"content-length: {len(body)}"))
        connection.sendall(body)
        assert parse_raw(read_answer(connection))[0] == 413
        connection.sendall(_get())
        assert parse_raw(read_answer(connection))[0] == 200


def test_many_requests_sent_at_once_are_answered_one_by_one(service: Service) -> None:
    count = 3000
    with service.connection() as connection:
        connection.sendall(count * _get())
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < count:
            chunk = connection.recv(1 << 16)
            assert chunk
            received += chunk


def test_a_trailer_does_not_count_as_a_header(service: Service) -> None:
    request = _post(service, *_CHUNKED) + b"2\r\n{}\r\n0\r\nidempotency-key: has spaces, so it would be refused\r\n\r\n"

    assert parse_raw(service.raw(request))[0] == 202


@pytest.mark.parametrize("more", [b"}", b"\r\n", b"\x00nonsense", b"GET /healthz HT"], ids=repr)
def test_bytes_after_a_request_do_not_change_its_answer(service: Service, more: bytes) -> None:
    """A client that counted its Content-Length in characters, or sends a brace too many, still gets its answer."""
    body = as_body(a_request(email=an_email()))
    head = _post(service, "content-type: application/json", f"content-length: {len(body)}", "prefer: wait=20")

    with service.connection() as connection:
        connection.sendall(head + body + more)
        status, _, answer = parse_raw(read_answer(connection))

    assert (status, answer["ok"]) == (200, True)


def test_a_request_to_speak_another_protocol_is_answered_as_http(service: Service) -> None:
    body = as_body(a_request(email=an_email()))
    upgrade = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__")

    assert parse_raw(service.raw(_get(*upgrade)))[0] == 200
    length = f"content-length: {len(body)}"
    assert parse_raw(service.raw(_post(service, "content-type: application/json", length, *upgrade) + body))[0] == 202


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_connection_ends_with_the_answer_where_the_client_asks_for_it(service: Service, version: str) -> None:
    lines = ["connection: close"] if version == "1.1" else []
    with service.connection() as connection:
        connection.sendall(_get(*lines).replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    status, headers, body = parse_raw(answer)
    assert (status, headers["connection"], body) == (200, "close", {"ok": True})


def test_the_answer_to_head_has_no_body(service: Service) -> None:
    last = _get("connection: close")
    with service.connection() as connection:
        connection.sendall(_get().replace(b"GET", b"HEAD") + last)
        answers = b"".join(iter(lambda: connection.recv(1 << 16), b"")).split(b"\r\n\r\n")

    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b'{"ok":true}']


def test_bytes_that_are_no_http_are_counted_and_logged_at_a_bounded_rate(service: Service) -> None:
    counted = service.metric('intake_turned_away_total{reason="malformed"}')

    for _ in range(20):
        service.sent(b"nonsense\r\n\r\n")

    assert service.metric('intake_turned_away_total{reason="malformed"}') == counted + 20
    lines = [line for line in service.lines("turned_away") if line["reason"] == "malformed"]
    assert 1 <= len(lines) < 20
    assert "Invalid HTTP" not in service.shim.log()


def test_a_request_that_can_be_read_in_two_ways_is_logged_and_counted_as_a_request(service: Service) -> None:
    both = _post(service, *_CHUNKED, "content-length: 5", "x-request-id: two-ways") + b"0\r\n\r\n"

    _, headers, _ = parse_raw(service.sent(both))

    assert headers["x-request-id"] == "two-ways"
    wait_until(lambda: "two-ways" in service.shim.log(), what="the line is written")
    (line,) = [line for line in service.lines("request") if line["request_id"] == "two-ways"]
    assert (line["status"], line["route"]) == (400, "other")


def test_only_tasks_that_a_living_worker_holds_are_counted_as_held(without_worker: Service) -> None:
    with redis.Redis.from_url(without_worker.environment["INTAKE_REDIS_URL"]) as client:
        now = 1000 * client.time()[0]
        client.zadd(HELD_KEY, {"held": now + 60_000, "by-a-dead-worker": now - 1000})

    wait_until(lambda: without_worker.metric("intake_held_tasks") == 1, what="one is counted")


def test_a_task_that_was_sent_again_keeps_its_age_in_the_metrics(without_worker: Service) -> None:
    with redis.Redis.from_url(without_worker.environment["INTAKE_REDIS_URL"]) as client:
        now = 1000 * client.time()[0]
        client.zadd(OPEN_KEY, {"sent-again": now, "younger": now - 50_000})
        client.zadd(RESENT_KEY, {"sent-again": now - 4_000_000})
        # What is shown may be a second old.
        wait_until(lambda: 4000 <= without_worker.metric("intake_oldest_open_seconds") < 4100, what="its age is shown")
        client.delete(OPEN_KEY, RESENT_KEY)


def test_the_metrics_have_no_series_for_the_times_at_which_others_began(service: Service) -> None:
    service.get(RESULT, id="x")

    assert "_created" not in service.get("/metrics").text
