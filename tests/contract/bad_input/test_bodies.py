"""A body that is not good JSON, or too large, gets the answer that the contract names, and never a 5xx."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.requests import a_request, as_body

if TYPE_CHECKING:
    from tests.contract.service import Service


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
