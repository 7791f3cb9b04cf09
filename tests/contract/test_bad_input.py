"""Bad input gets the answer that the contract names, and never a 5xx. Nothing is stored, and the service goes on."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from tests.contract.service import CREATE, RESULT, an_email, parse_raw
from tests.support.requests import a_full_address, a_full_request, a_request, an_address, as_body
from tests.support.tokens import token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.service import Service


@pytest.fixture(autouse=True)
def _nothing_stored_and_the_service_goes_on(service: Service) -> Iterator[None]:
    before = len(service.customers())
    yield
    service.wait_until_idle()
    assert len(service.customers()) == before
    assert service.outcome(a_request(email=an_email()))["ok"] is True


_VALID: Final = as_body(a_request()).decode()
_NO_JSON: Final = {
    "nothing": b"",
    "spaces": b"  ",
    "a cut object": b'{"email": "a@example.com"',
    "an array": b"[]",
    "null": b"null",
    "a string": b'"text"',
    "a number": b"1",
    "two objects": b"{}{}",
    "a lone surrogate in a value": b'{"email": "\\ud800@example.com"}',
    "a lone surrogate in a name": b'{"\\udfff": 1}',
    "surrogates the wrong way round": b'{"email": "\\udc00\\ud800"}',
    "a surrogate in UTF-8": b'{"email": "\xed\xa0\x80"}',
    "overlong UTF-8": b'{"email": "\xc0\xaf"}',
    "no UTF-8": b'{"email": "\xff"}',
    "a raw NUL": b'{"email": "a\x00b"}',
    "100,000 nested arrays": b'{"tags": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 open brackets": b"[" * 100_000,
    "50,000 nested objects": b'{"a":' * 50_000,
    "NaN": b'{"phone": NaN}',
    "Infinity": b'{"phone": -Infinity}',
    "a byte order mark": b"\xef\xbb\xbf" + _VALID.encode(),
    "UTF-16": _VALID.encode("utf-16"),
    "UTF-16 without a mark": _VALID.encode("utf-16-le"),
    "UTF-32": _VALID.encode("utf-32"),
    "a name twice": b'{"email": "a@example.com", "email": "b@example.com"}',
    "a name twice, once escaped": b'{"email": "a@example.com", "\\u0065mail": "b@example.com"}',
    "a name twice further in": b'{"addresses": [{"country": "US", "country": "XX"}]}',
    "gzip without saying so": gzip.compress(_VALID.encode()),
    "a comment": b'{"email": 1} // no',
    "a trailing comma": b'{"email": "a@example.com",}',
    "single quotes": b"{'email': 'a@example.com'}",
}


@pytest.mark.parametrize("body", _NO_JSON.values(), ids=_NO_JSON.keys())
def test_a_body_that_is_no_json_object_gets_400_and_makes_no_task(service: Service, body: bytes) -> None:
    tasks = service.tasks()

    response = service.post(body)

    answer = response.json()
    assert (response.status_code, answer["ok"], answer["error"]) == (400, False, "validation_error")
    assert [set(fault) for fault in answer["data"]["errors"]] == [{"field", "message"}]
    assert service.tasks() == tasks


@pytest.mark.parametrize("depth", [50, 500, 700, 800, 850, 875, 900, 925, 950, 975, 990])
@pytest.mark.parametrize("escape", ["", "\\u0041"], ids=["plain", "with an escape"])
def test_shim_and_worker_allow_the_same_depth_of_nesting(service: Service, depth: int, escape: str) -> None:
    body = f'{{"firstName": "{escape}", "tags": {"[" * depth}{"]" * depth}}}'.encode()

    response = service.post(body, {"prefer": "wait=20"})

    assert response.status_code in {200, 400}
    assert response.json()["error"] == "validation_error"


def test_a_body_of_a_mebibyte_gets_413(service: Service) -> None:
    response = service.post(as_body(a_request(firstName="x" * 1024 * 1024)))

    assert (response.status_code, response.json()) == (413, {"ok": False, "error": "payload_too_large"})


def test_a_body_that_is_announced_as_gzip_gets_415(service: Service) -> None:
    response = service.post(gzip.compress(as_body(a_request())), {"content-encoding": "gzip"})

    assert (response.status_code, response.json()) == (415, {"ok": False, "error": "unsupported_media_type"})


_WRONG_VALUES: Final[dict[str, Any]] = {
    "null": None,
    "true": True,
    "number": 1,
    "fraction": 1.5,
    "empty": "",
    "spaces": "  ",
    "invisible": "\u200b\u3164",
    "NUL": "a\x00b",
    "too long": "x" * 1025,
    "array": ["x"],
    "object": {"x": "y"},
    "operator": {"$gt": ""},
    "where": {"$where": "sleep(1000)"},
}
_TEXTS: Final = ("email", "password", "firstName", "lastName", "status")
_ADDRESS_TEXTS: Final = ("name", "firstName", "address_1", "postCode", "city", "state", "country")
_OPTIONAL_ADDRESS_TEXTS: Final = ("lastName", "company", "instructions")
_MAY_BE_EMPTY: Final = {"empty", "spaces", "invisible"}


def _is_the_one_fault(service: Service, document: dict[str, Any], *fields: str) -> None:
    answer = service.outcome(document)
    assert (answer["ok"], answer["error"]) == (False, "validation_error")
    assert {fault["field"] for fault in answer["data"]["errors"]} == set(fields)
    assert all(fault["message"] for fault in answer["data"]["errors"])


@pytest.mark.parametrize("value", _WRONG_VALUES.values(), ids=_WRONG_VALUES.keys())
def test_where_every_required_field_has_a_wrong_value_each_field_is_named(service: Service, value: Any) -> None:
    document = a_request(**dict.fromkeys(_TEXTS, value), addresses=[an_address(**dict.fromkeys(_ADDRESS_TEXTS, value))])

    _is_the_one_fault(service, document, *_TEXTS, *(f"addresses.0.{name}" for name in _ADDRESS_TEXTS))


@pytest.mark.parametrize("value", [value for name, value in _WRONG_VALUES.items() if name not in _MAY_BE_EMPTY])
def test_where_every_optional_text_has_a_wrong_value_each_field_is_named(service: Service, value: Any) -> None:
    address = a_full_address(**dict.fromkeys(_OPTIONAL_ADDRESS_TEXTS, value))

    _is_the_one_fault(
        service, a_request(addresses=[address]), *(f"addresses.0.{name}" for name in _OPTIONAL_ADDRESS_TEXTS)
    )


@pytest.mark.parametrize(
    "phone", [None, True, "2173203531", 1.5, 1.0, -1, 10**15, 10**18, 10**19, -(10**30), [1], {"$gt": 1}], ids=repr
)
def test_a_phone_that_is_no_integer_of_15_digits_is_refused(service: Service, phone: Any) -> None:
    _is_the_one_fault(service, a_request(addresses=[an_address(phone=phone)]), "addresses.0.phone")


@pytest.mark.parametrize(
    "digits", ["9" * 20, "-" + "9" * 20, "9" * 5_000, "9" * 100_000, "1e400", "-1e999999", "1.0e400"]
)
def test_a_number_of_any_size_as_a_phone_is_a_fault_of_the_field(service: Service, digits: str) -> None:
    body = as_body(a_request(addresses=[an_address(), an_address(phone=1001)])).replace(
        b'"phone": 1001', f'"phone": {digits}'.encode()
    )

    response = service.post(body, {"prefer": "wait=20"})

    answer = response.json()
    assert (response.status_code, answer["ok"], answer["error"]) == (200, False, "validation_error")
    assert [fault["field"] for fault in answer["data"]["errors"]] == ["addresses.1.phone"]


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 40_000, "-1e999999"])
def test_a_number_of_any_size_in_a_field_for_text_is_a_fault_of_the_field(service: Service, digits: str) -> None:
    texts = {"firstName": 1001, "status": 1001, "tags": ["a", 1001], "nickname": {"a": [1001]}}
    body = as_body(a_request(**texts, addresses=[an_address(address_2=1001)])).replace(b"1001", digits.encode())

    response = service.post(body, {"prefer": "wait=20"})

    assert response.status_code == 200
    fields = [fault["field"] for fault in response.json()["data"]["errors"]]
    assert sorted(fields) == ["addresses.0.address_2", "firstName", "nickname", "status", "tags.1"]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, ""),
        (1, ""),
        ({"$ne": 1}, ""),
        (["a", 1], ".1"),
        (["a", None], ".1"),
        ([["a"]], ".0"),
        (["a\x00"], ".0"),
        ("a\x00", ""),
        ("x" * 1025, ""),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_address_2_that_is_neither_text_nor_texts_is_refused(service: Service, value: Any, field: str) -> None:
    _is_the_one_fault(service, a_request(addresses=[an_address(address_2=value)]), f"addresses.0.address_2{field}")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, "tags"),
        ("VIP", "tags"),
        ({"$push": "x"}, "tags"),
        ([1], "tags.0"),
        (["a", None], "tags.1"),
        (["a\x00"], "tags.0"),
        (["a"] * 1001, "tags"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_tags_that_are_no_list_of_texts_are_refused(service: Service, value: Any, field: str) -> None:
    _is_the_one_fault(service, a_request(tags=value), field)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, "addresses"),
        ({}, "addresses"),
        (an_address(), "addresses"),
        ([None], "addresses.0"),
        (["Work"], "addresses.0"),
        ([[]], "addresses.0"),
        ([an_address()] * 51, "addresses"),
        ([an_address(), an_address(id="mine")], "addresses.1.id"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_addresses_that_are_no_list_of_addresses_are_refused(service: Service, value: Any, field: str) -> None:
    _is_the_one_fault(service, a_request(addresses=value), field)


@pytest.mark.parametrize("name", ["_id", "id", "$set", "ok", "email_key", "Email", "", "a.b", "\x00", "__proto__"])
def test_a_field_that_nobody_documented_is_refused(service: Service, name: str) -> None:
    _is_the_one_fault(service, a_full_request(email=an_email(), **{name: "x"}), name)


@pytest.mark.parametrize("status", ["active", "DELETED", "ACTIVE "])
def test_a_status_that_is_not_documented_is_refused(service: Service, status: str) -> None:
    _is_the_one_fault(service, a_request(status=status), "status")


def test_a_country_wrong_in_the_second_of_two_addresses_is_told_with_its_place(service: Service) -> None:
    answer = service.outcome(a_request(email=an_email(), addresses=[an_address(), an_address(country="XX")]))

    assert answer == {
        "ok": False,
        "error": "address_contry_invalid",
        "data": {"address": "XX", "field": "addresses.1.country"},
    }


@pytest.mark.parametrize("country", ["us", "USA", "UK", "AN", "ZZ", "840", "United States", "U", "\uff35\uff33", "US "])
def test_a_country_that_is_no_code_in_force_is_refused(service: Service, country: str) -> None:
    answer = service.outcome(a_request(email=an_email(), addresses=[an_address(country=country)]))

    assert (answer["error"], answer["data"]) == (
        "address_contry_invalid",
        {"address": country, "field": "addresses.0.country"},
    )


@pytest.mark.parametrize(
    "email",
    [
        *("john", "john@", "@example.com", "a@b@example.com", "a b@example.com", "a@-x.com", "a@" + "x" * 64 + ".com"),
        *("x" * 65 + "@example.com", "a@example..com", "a@[127.0.0.1]", "a@example.com\n", "John <a@example.com>"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_an_email_of_an_invalid_format_is_told_as_it_was_sent(service: Service, email: str) -> None:
    answer = service.outcome(a_request(email=email))

    assert answer == {"ok": False, "error": "customer_invalid_email", "data": {"email": email}}


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
