"""What holds for every request and answer: tokens, ids, sizes, types, methods, paths and probes."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from tests.contract.service import CREATE, PREFIXES, RESULT, an_email, parse_raw, read_answer
from tests.support.requests import a_request, as_body
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import httpx

    from tests.contract.service import Service

_LIMIT: Final = 256 * 1024


def _failed(response: httpx.Response, status: int, error: str) -> bool:
    return (response.status_code, response.json()) == (status, {"ok": False, "error": error})


def test_the_scheme_bearer_may_have_any_case(service: Service) -> None:
    assert service.create({"authorization": f"BEARER {token(service.environment)}"}).status_code == 202


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"{", {}), (b"x" * (_LIMIT + 1), {}), (b"{}", {"content-type": "text/plain"})],
    ids=["no JSON", "too large", "another type"],
)
def test_the_body_is_not_looked_at_before_the_token(service: Service, body: bytes, headers: dict[str, str]) -> None:
    assert service.post(body, {**headers, "authorization": ""}).status_code == 401
    assert service.post(body, {**headers, **service.bearer(scope="")}).status_code == 403


def _head(service: Service, *lines: str, path: str = CREATE, version: str = "1.1") -> bytes:
    all_lines = [
        f"POST {path} HTTP/{version}",
        "host: x",
        f"authorization: Bearer {token(service.environment)}",
        "content-type: application/json",
        *lines,
    ]
    return "".join(f"{line}\r\n" for line in all_lines).encode() + b"\r\n"


@pytest.mark.parametrize("length", [str(_LIMIT + 1), "999999999999", "9" * 19])
@pytest.mark.parametrize("expect", [(), ("expect: 100-continue",)], ids=["", "100-continue"])
@pytest.mark.parametrize("path", [CREATE, RESULT])
def test_a_body_announced_too_large_gets_413_before_it_is_sent(
    service: Service, path: str, expect: tuple[str, ...], length: str
) -> None:
    answer = service.raw(_head(service, f"content-length: {length}", *expect, path=path))

    status, headers, body = parse_raw(answer)
    assert (status, body) == (413, {"ok": False, "error": "payload_too_large"})
    # Nobody knows then whether the body still comes, so nobody knows what the next bytes are.
    assert headers.get("connection") == ("close" if expect else None)


def test_a_body_of_the_largest_size_is_taken(service: Service) -> None:
    body = as_body(a_request(email=an_email()))

    assert service.post(body.ljust(_LIMIT)).status_code == 202
    assert service.post(body.ljust(_LIMIT + 1)).status_code == 413


def test_a_chunked_body_gets_413_as_soon_as_it_is_too_large(service: Service) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"

    # The last chunk never comes, and the answer does not wait for it.
    status, _, body = parse_raw(service.raw(_head(service, "transfer-encoding: chunked") + 5 * chunk))

    assert (status, body) == (413, {"ok": False, "error": "payload_too_large"})


def test_a_chunked_body_within_the_limit_is_taken(service: Service) -> None:
    body = as_body(a_request(email=an_email()))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"

    assert parse_raw(service.raw(_head(service, "transfer-encoding: chunked") + chunks))[0] == 202


def test_a_client_that_waits_for_consent_is_asked_for_its_body(service: Service) -> None:
    body = as_body(a_request(email=an_email()))
    port = int(service.environment["INTAKE_PORT"])
    with closing(socket.create_connection(("127.0.0.1", port), 10)) as connection:
        connection.sendall(_head(service, f"content-length: {len(body)}", "expect: 100-continue"))
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_answer(connection).startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
def test_a_body_whose_content_type_is_json_is_taken(service: Service, content_type: str) -> None:
    assert service.create({"content-type": content_type}).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/jsonx"},
        {"content-type": "application/vnd.api+json"},
        {"content-type": "application/json, text/plain"},
        {"content-type": "application/json; charset=iso-8859-1"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-encoding": "gzip"},
        {"content-encoding": "br"},
        {"content-encoding": "identity, gzip"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [CREATE, RESULT])
def test_any_other_content_type_gets_415(service: Service, path: str, headers: dict[str, str]) -> None:
    assert _failed(service.post(as_body(a_request()), headers, path=path), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/services",
        "/services/customer/v1/",
        f"{CREATE}/",
        f"{CREATE}.result/",
        f"/services{CREATE}",
        "/customer/v1/customer.delete",
        "/customer/v2/customer.create",
        "/customer/v1/Customer.create",
        "/docs/../x",
        "/docs/nothing.js",
        "/%00",
        "/metrics%0a",
        "/healthz%0A",
        "/openapi.json%0a",
        "/docs%2Findex.html",
        "/docs%2findex.html",
        f"{CREATE}%0A",
        f"{CREATE}.result%0a",
        "/customer%2Fv1%2Fcustomer.create",
        "/customer/v1/customer.create%00",
        "/customer/v1/customer.create%7f",
        "http://x/healthz",
        "*",
        "/%ff",
        "/%zz",
        "//customer/v1/customer.create",
    ],
)
def test_an_unknown_path_gets_404_as_json(service: Service, path: str) -> None:
    status, headers, body = parse_raw(service.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()))

    assert (status, body) == (404, {"ok": False, "error": "not_found"})
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("path", "methods", "allowed"),
    [
        ("/customer/v1/customer.create", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"], {"POST"}),
        ("/customer/v1/customer.create.result", ["PUT", "DELETE", "PATCH", "OPTIONS"], {"GET", "HEAD", "POST"}),
    ],
    ids=["create", "result"],
)
def test_another_method_gets_405_as_json_with_those_that_are_allowed(
    service: Service, prefix: str, path: str, methods: list[str], allowed: set[str]
) -> None:
    for method in methods:
        response = service.http.request(method, service.shim.url + prefix + path, headers=service.bearer())

        assert _failed(response, 405, "method_not_allowed")
        assert set(response.headers["allow"].split(", ")) == allowed
        assert response.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_probes_and_documents_take_no_post(service: Service, path: str) -> None:
    response = service.http.post(service.shim.url + path)

    assert _failed(response, 405, "method_not_allowed")


def _answers_of_every_status(service: Service) -> dict[int, httpx.Response]:
    document = as_body(a_request(email=an_email()))
    another = as_body(a_request(email=an_email()))
    key = {"idempotency-key": an_email()}
    own = {"x-request-id": "mine"}
    service.post(document, key)
    responses = [
        service.post(another, {"prefer": "wait=20", **own}),
        service.post(document, own),
        service.post(b"", own),
        service.post(document, {"authorization": "", **own}),
        service.post(document, {**service.bearer(scope=""), **own}),
        service.get(RESULT, own, id="x"),
        service.get(CREATE, own),
        service.post(b" " * (_LIMIT + 1), own),
        service.post(document, {"content-type": "", **own}),
        service.post(document + b" ", {**key, **own}),
    ]
    return {response.status_code: response for response in responses}


@pytest.mark.parametrize("end", ["%0A", "%0a", "%0D", "%09", "%20", "%2F", "%00"])
def test_a_method_answers_only_under_its_exact_name(service: Service, end: str) -> None:
    """`customer.create%0A` once made a customer, and its answer failed because of its own `Location`."""
    customers = len(service.customers())

    response = service.post(as_body(a_request(email=an_email())), {"prefer": "wait=20"}, path=f"{CREATE}{end}")

    assert _failed(response, 404, "not_found")
    assert len(service.customers()) == customers


def test_a_percent_encoded_letter_in_a_path_is_that_letter(service: Service) -> None:
    response = service.post(as_body(a_request(email=an_email())), path=CREATE.replace("create", "%63reate"))

    assert response.status_code == 202
    assert response.headers["location"].startswith(f"{RESULT}?id=")


def test_every_answer_forbids_a_browser_to_guess_its_type(service: Service) -> None:
    answers = [*_answers_of_every_status(service).values()]
    answers += [service.get(path) for path in ("/healthz", "/metrics", "/openapi.json", "/docs", "/x")]

    assert {response.headers["x-content-type-options"] for response in answers} == {"nosniff"}


def test_answers_of_every_status_have_the_callers_request_id(service: Service) -> None:
    answers = _answers_of_every_status(service)

    assert set(answers) == {200, 202, 400, 401, 403, 404, 405, 413, 415, 422}
    assert {response.headers["x-request-id"] for response in answers.values()} == {"mine"}


def test_every_failure_is_json_with_ok_and_an_error_code(service: Service) -> None:
    for status, response in _answers_of_every_status(service).items():
        answer = response.json()
        assert response.headers["content-type"] == "application/json"
        assert answer["ok"] is (status in {200, 202})
        assert answer["ok"] or answer["error"].isidentifier()


def test_a_request_id_is_in_the_log(service: Service) -> None:
    service.create({"x-request-id": "look-for-me"})

    wait_until(lambda: "look-for-me" in service.shim.log(), what="the line is written, which is after the answer")
    lines = [json.loads(line) for line in service.shim.log().splitlines() if "look-for-me" in line]
    assert [(line["event"], line["status"]) for line in lines] == [("request", 202)]


@pytest.mark.parametrize("request_id", ["", "x" * 129, "a b", "a\tb", "ü"])
def test_a_request_id_that_an_answer_cannot_repeat_is_replaced_by_a_new_one(service: Service, request_id: str) -> None:
    headers = {b"x-request-id": request_id.encode()}
    ids = [service.http.get(f"{service.shim.url}/healthz", headers=headers).headers["x-request-id"] for _ in range(2)]

    assert request_id not in ids
    assert len(set(ids)) == 2


def test_a_request_id_of_128_visible_characters_is_kept(service: Service) -> None:
    request_id = "!~" * 64

    response = service.http.get(f"{service.shim.url}/healthz", headers={"x-request-id": request_id})

    assert response.headers["x-request-id"] == request_id


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_answer_without_a_token(service: Service, path: str) -> None:
    response = service.http.get(service.shim.url + path)

    assert (response.status_code, response.json()) == (200, {"ok": True})


def test_metrics_are_prometheus_text(service: Service) -> None:
    service.create({"prefer": "wait=20"})

    response = service.http.get(f"{service.shim.url}/metrics")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    samples = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert float(samples['intake_accepts_total{result="accepted"}']) > 0
    assert float(samples["intake_redis_up"]) == 1
    assert float(samples["intake_dead_letters"]) == 0


def test_a_path_or_method_that_a_client_makes_up_is_in_no_metric(service: Service) -> None:
    service.http.request("BREW", f"{service.shim.url}/made-up-path")

    metrics = service.http.get(f"{service.shim.url}/metrics").text
    assert "made-up-path" not in metrics
    assert "BREW" not in metrics


def test_openapi_is_served(service: Service) -> None:
    assert service.http.get(f"{service.shim.url}/openapi.json").json()["openapi"].startswith("3.1")


def test_a_connection_can_be_used_again_after_an_answer_without_reading_the_body(service: Service) -> None:
    port = int(service.environment["INTAKE_PORT"])
    body = b" " * 100_000
    unauthorised = f"POST {CREATE} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    with closing(socket.create_connection(("127.0.0.1", port), 10)) as connection:
        for _ in range(2):
            connection.sendall(unauthorised)
            assert read_answer(connection).startswith(b"HTTP/1.1 401 ")


def test_a_client_that_leaves_while_it_waits_leaves_nothing_behind(without_worker: Service) -> None:
    body = as_body(a_request())
    port = int(without_worker.environment["INTAKE_PORT"])
    for _ in range(20):
        with closing(socket.create_connection(("127.0.0.1", port), 10)) as connection:
            connection.sendall(_head(without_worker, f"content-length: {len(body)}", "prefer: wait=60") + body)

    def nobody_waits() -> bool:
        return "\nintake_waiting_requests 0.0\n" in without_worker.get("/metrics").text

    wait_until(lambda: without_worker.tasks() == 20, what="every request was accepted")
    wait_until(nobody_waits, what="no call is held for a client that left")
    assert without_worker.create().status_code == 202
