"""A bad id, query, result body, header or request gets the answer that the contract names, and never a 5xx."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from tests.contract.service import CREATE, RESULT, parse_raw
from tests.support.requests import as_body
from tests.support.tokens import token

if TYPE_CHECKING:
    from tests.contract.service import Service


@pytest.mark.parametrize(
    "task_id",
    ["%", "%zz", "%00", "%ff%fe", "%ed%a0%80", "..%2f..", "*", "x" * 5000, "%24where", quote("intake:open")],
    ids=lambda value: value[:12],
)
def test_an_id_without_a_task_gets_404_whatever_characters_it_has(service: Service, task_id: str) -> None:
    head = (
        f"GET {RESULT}?id={task_id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token(service.environment)}\r\n\r\n"
    )

    status, _, answer = parse_raw(service.raw(head.encode()))

    assert (status, answer["error"]) == (404, "task_not_found")
    assert set(answer["data"]) == {"id"}


@pytest.mark.parametrize(
    "query", ["", "?", "?id", "?id=", "?id=&id=", "?id=a&id=b", "?id[$ne]=1", "?ID=a", "?&&&", "?%", "?=a", "?%80=1"]
)
def test_a_result_call_without_one_id_gets_400(service: Service, query: str) -> None:
    status, _, answer = _get_raw(service, query)

    assert (status, answer["error"]) == (400, "validation_error")


@pytest.mark.parametrize(
    "wait",
    ["", "-1", "61", "1.5", "1e1", "ten", "٣", "999999999999999999999", " 1", "0x1", "1&wait=2"],
)
def test_a_wait_that_is_no_whole_number_up_to_60_gets_400(service: Service, wait: str) -> None:
    response = service.http.get(
        f"{service.shim.url}{RESULT}?id=x&wait={quote(wait, safe='&=')}", headers=service.bearer()
    )

    assert (response.status_code, response.json()["error"]) == (400, "validation_error")
    assert [fault["field"] for fault in response.json()["data"]["errors"]] == ["wait"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"id": ""},
        {"id": 1},
        {"id": None},
        {"id": {"$ne": ""}},
        {"id": ["x"]},
        {"id": "x", "wait": "1"},
        {"id": "x", "wait": True},
        {"id": "x", "wait": 1.0},
        {"id": "x", "wait": 61},
        {"id": "x", "wait": -1},
        {"id": "x", "wait": None},
        {"id": "x", "caller": "other"},
    ],
    ids=json.dumps,
)
def test_a_result_body_that_names_no_task_gets_400(service: Service, document: dict[str, Any]) -> None:
    response = service.post(as_body(document), path=RESULT)

    assert (response.status_code, response.json()["error"]) == (400, "validation_error")


def _get_raw(service: Service, query: str) -> tuple[int, dict[str, str], Any]:
    bearer = f"authorization: Bearer {token(service.environment)}"
    return parse_raw(service.raw(f"GET {RESULT}{query} HTTP/1.1\r\nhost: x\r\n{bearer}\r\n\r\n".encode()))


_HEADERS: Final = {
    "authorization": 401,
    "content-type": 415,
    "content-encoding": 415,
    "idempotency-key": 400,
    "prefer": 202,
    "x-request-id": 202,
    "accept": 202,
    "cookie": 202,
}


@pytest.mark.parametrize(("name", "status"), _HEADERS.items())
@pytest.mark.parametrize("value", [b"\xff\xfe", "naïve \u2603".encode(), b"\xed\xa0\x80"], ids=repr)
def test_each_header_that_is_not_ascii_is_refused_or_ignored_by_its_own_rule(
    service: Service, name: str, status: int, value: bytes
) -> None:
    body = b'{"email": 1}'  # This is valid JSON and no customer. So nothing is stored where it is accepted.
    lines = {
        b"host": b"x",
        b"authorization": f"Bearer {token(service.environment)}".encode(),
        b"content-type": b"application/json",
        b"content-length": b"%d" % len(body),
        name.encode(): value,
    }
    head = b"".join(b"%s: %s\r\n" % line for line in lines.items())

    answer = parse_raw(service.raw(b"POST %s HTTP/1.1\r\n%s\r\n%s" % (CREATE.encode(), head, body)))

    assert answer[0] == status
    assert answer[1]["x-request-id"].isascii()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /healthz?\x80=1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /customer/v1/customer.create HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /customer/v1/customer.create HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /customer/v1/customer.create HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["TLS", "raw bytes in the path", "a negative length", "two lengths", "no chunk"],
)
def test_bytes_that_are_no_http_get_400_or_401_and_nothing_else(service: Service, request_bytes: bytes) -> None:
    answer = service.raw(request_bytes, end=True)

    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))
