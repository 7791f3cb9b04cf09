"""Bodies that are no good batch. Each gets the answer that the contract names, and no accepted row is lost."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.batch_client import BATCH, BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support.requests import a_request, as_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.service import Service

MIB: Final = 1024 * 1024


@pytest.fixture
def client(service: Service) -> BatchClient:
    """A caller without batches."""
    return BatchClient(service, sub=an_email())


UNREADABLE: Final[dict[str, tuple[bytes, int, int]]] = {
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 1, 0),
    "UTF-16 with a mark": ('\ufeff{"email": "x"}\n'.encode("utf-16-le"), 1, 0),
    "UTF-16 without one": ('{"email": "x"}\n'.encode("utf-16-be"), 1, 0),
    "UTF-32": ('{"email": "x"}\n'.encode("utf-32"), 1, 0),
    "Latin-1 in line 3": (b'{}\n\n{"lastName": "M\xfcller"}\n{}', 3, 1),
    "surrogates as bytes": (b'{}\n{"lastName": "\xed\xa0\x80"}', 2, 1),
    "surrogates as bytes in line 70,001": (b"{}\n" * 70_000 + b'"\xed\xa0\x80"\n{}', 70_001, 70_000),
}
"""A body, the line from which it cannot be read, and the number of rows before that line."""


@pytest.mark.parametrize(("body", "line", "rows"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_cannot_be_read_from_some_line_on_is_accepted_up_to_that_line(
    client: BatchClient, body: bytes, line: int, rows: int
) -> None:
    response = client.upload(body)

    assert response.status_code == 400
    answer = response.json()
    assert (answer["error"], answer["data"]["errors"][0]["line"]) == ("validation_error", line)
    assert answer["batch"]["rows"] == rows
    summary = client.result(answer["batch"]["id"]).json()["batch"]
    assert (summary["rows"], summary["finished"], summary["complete"]) == (rows, rows, False)
    assert [batch["id"] for batch in client.list()] == [answer["batch"]["id"]]


def _array() -> bytes:
    return json.dumps([a_request(email=an_email()) for _ in range(3)], indent=1).encode()


ROWS_OF_THEIR_OWN: Final[dict[str, tuple[bytes, int]]] = {
    "a CSV": (b"email;password;firstName;lastName\njo@example.com;secret;Jo;Doe\n", 2),
    "an array over many lines": (b'[\n{"email": "jo@example.com"},\n{"email": "jane@example.com"}\n]\n', 4),
    "an indented array": (_array(), 20),
    "CR alone": (b"{}\r{}\r{}", 1),
    "NUL in a row": (b'{"email": "\x00"}\n{}', 2),
    "a surrogate as an escape": (b'{"lastName": "\\ud800"}\n', 1),
    "an end in mid-line": (b'{}\n{"email": "jo@exam', 2),
    "nothing but brackets": (b"[" * 100_000 + b"\n{}", 2),
    "numbers": (b"1\n-0.5e700\nNaN\ntrue\nnull\n", 5),
    "a mark in the middle": (b"{}\n\xef\xbb\xbf{}\n", 2),
}
"""A body, and the number of its rows. None of them is a signup."""


@pytest.mark.parametrize(("body", "rows"), ROWS_OF_THEIR_OWN.values(), ids=ROWS_OF_THEIR_OWN)
def test_a_line_that_is_no_signup_is_a_row_of_its_own(client: BatchClient, body: bytes, rows: int) -> None:
    summary = client.done(body)

    assert summary["complete"]
    assert summary["rows"] == rows
    assert summary["outcomes"] == {"validation_error": rows}


def test_a_surrogate_in_line_70_001_stops_no_other_row(client: BatchClient) -> None:
    body = b"{}\n" * 70_000 + b'{"lastName": "\\ud800"}\n' + a_row()

    summary = client.done(body)

    assert summary["outcomes"] == {"created": 1, "validation_error": 70_001}
    assert [row["row"] for row in client.rows_of(summary["id"], after="70000")] == [70_001, 70_002]


def test_a_million_empty_lines_are_no_rows(client: BatchClient) -> None:
    summary = client.done(b"\n" * 1_000_000 + a_row())

    assert summary["rows"] == 1
    assert client.rows_of(summary["id"])[0]["row"] == 1_000_001


def _one_long_line(size: int) -> Iterator[bytes]:
    yield a_row() + b'\n{"firstName": "'
    for _ in range(size // MIB):
        yield b"x" * MIB
    yield b'"}\n' + a_row()


@pytest.mark.parametrize("size", [8 * MIB, pytest.param(1024 * MIB, marks=pytest.mark.slow)])
def test_a_line_that_is_too_long_is_a_row_of_its_own(client: BatchClient, size: int) -> None:
    summary = client.done(_one_long_line(size))

    assert summary["outcomes"] == {"created": 2, "validation_error": 1}
    (failed,) = client.rows_of(summary["id"], only="failed")
    assert failed["row"] == 2
    assert "longer than" in failed["data"]["errors"][0]["message"]


def test_a_broken_gzip_is_accepted_up_to_the_break(client: BatchClient) -> None:
    rows = [a_row() for _ in range(2000)]
    packed = gzip.compress(lines(*rows))

    for broken in (packed[: len(packed) // 2], packed[:-4], packed[: len(packed) // 2] + b"\xff" * 999, b"no gzip"):
        response = client.upload(broken, {"content-encoding": "gzip"}, name="broken")

        assert response.status_code == 400
        answer = response.json()
        line = answer["data"]["errors"][0]["line"]
        assert answer["batch"]["rows"] == line - 1
        assert client.result(answer["batch"]["id"]).json()["batch"]["finished"] == line - 1
    summary = client.done(lines(*rows), name="broken")
    assert summary["outcomes"]["repeated"] + summary["outcomes"].get("created", 0) == 2000


def test_of_the_same_email_in_rows_1_and_256_001_one_wins(client: BatchClient) -> None:
    twice = an_email()
    body = a_row(email=twice) + b"\n" + b"{}\n" * 255_999 + a_row(email=twice, lastName="Other")

    summary = client.done(body, ordered="true")

    assert summary["outcomes"] == {"created": 1, "duplicate_key": 1, "validation_error": 255_999}
    assert client.rows_of(summary["id"], limit="1")[0]["ok"]
    assert client.rows_of(summary["id"], after="256000")[0]["error"] == "duplicate_key"


def test_two_uploads_under_one_name_at_the_same_time_make_each_customer_once(client: BatchClient) -> None:
    rows = [a_row() for _ in range(2000)]
    other = [BatchClient(type(client.service)(client.service.shim, client.service.worker), sub=client.sub), client]

    with ThreadPoolExecutor(2) as threads:
        uploads = [threads.submit(each.done, lines(*rows), name="one") for each in other]
        summaries = [upload.result() for upload in uploads]
    other[0].service.http.close()

    outcomes: dict[str, int] = {}
    for summary in summaries:
        assert summary["finished"] == 2000
        for name, count in summary["outcomes"].items():
            outcomes[name] = outcomes.get(name, 0) + count
    assert outcomes == {"created": 2000, "repeated": 2000}
    told = [client.rows_of(summary["id"], limit="2000") for summary in summaries]
    assert [row["customer"] for row in told[0]] == [row["customer"] for row in told[1]]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json"},
        {"content-type": ""},
        {"content-type": "application/x-ndjson; charset=latin-1"},
        {"content-type": "text/csv"},
        {"content-encoding": "br"},
        {"content-encoding": "gzip, gzip"},
        {"content-encoding": "deflate"},
    ],
    ids=str,
)
def test_a_body_of_another_kind_is_refused_before_it_is_read(client: BatchClient, headers: dict[str, str]) -> None:
    response = client.upload(lines(a_row()), headers)

    assert (response.status_code, response.json()) == (415, {"ok": False, "error": "unsupported_media_type"})
    assert client.list() == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("name=", "name"),
        ("name=a%20b", "name"),
        ("name=%C3%BC", "name"),
        (f"name={'x' * 201}", "name"),
        ("name=a&name=a", "name"),
        ("mode=dry", "mode"),
        ("mode=", "mode"),
        ("ordered=1", "ordered"),
        ("ordered=true&ordered=true", "ordered"),
        ("wait=3", "wait"),
    ],
)
def test_the_refusal_of_a_query_names_the_argument_with_the_fault(client: BatchClient, query: str, field: str) -> None:
    response = client.service.post(a_row(), {"content-type": "application/x-ndjson"}, path=f"{BATCH}?{query}")

    assert response.status_code == 400
    assert response.json()["data"]["errors"][0]["field"] == field
    assert "batch" not in response.json()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "id"),
        ({"id": ""}, "id"),
        ({"after": "-1"}, "after"),
        ({"after": "x"}, "after"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1" * 30}, "limit"),
        ({"only": "created"}, "only"),
        ({"follow": "yes"}, "follow"),
        ({"wait": "1"}, "wait"),
    ],
    ids=str,
)
def test_the_refusal_of_a_query_for_rows_names_the_argument_with_the_fault(
    client: BatchClient, query: dict[str, str], field: str
) -> None:
    asked = query if field == "id" else {"id": "4kJQcMvN0sTq2WbXyZ8dR1", **query}

    response = client.service.get(f"{BATCH}.rows", client.bearer, **asked)

    assert response.status_code == 400
    assert response.json()["data"]["errors"][0]["field"] == field


@pytest.mark.parametrize("body", [b"{}", b'{"id": 1}', b'{"id": ""}', b'{"id": "x", "wait": 1}', b"[]", b""])
def test_a_cancellation_with_a_fault_is_refused(client: BatchClient, body: bytes) -> None:
    assert client.service.post(body, client.bearer, path=f"{BATCH}.cancel").status_code == 400


def test_nobody_sees_another_caller_s_batch(client: BatchClient, service: Service) -> None:
    batch_id = client.done(lines(a_row()))["id"]
    stranger = BatchClient(service, sub=an_email())

    for told in (batch_id, "4kJQcMvN0sTq2WbXyZ8dR1", "no id", "*"):
        answers: list[Any] = [
            stranger.result(told),
            service.post(as_body({"id": told}), stranger.bearer, path=f"{BATCH}.result"),
            service.get(f"{BATCH}.rows", stranger.bearer, id=told),
            service.get(f"{BATCH}.rows", stranger.bearer, id=told, follow="true"),
            stranger.cancel(told),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["error"]) == (404, "task_not_found")
            assert answer.json()["data"] == {"id": told}
    assert stranger.list() == []


def test_every_method_checks_the_token_before_anything_else(service: Service) -> None:
    for path, verb in (("", "POST"), (".result", "GET"), (".rows", "GET"), (".cancel", "POST"), (".list", "GET")):
        for headers in ({}, {"authorization": "Bearer x"}, service.bearer(exp=1), service.bearer(sub=None)):
            url = f"{service.shim.url}{BATCH}{path}?nonsense=1"
            response = service.http.request(verb, url, content=b"\xff", headers=headers)

            assert (response.status_code, response.json()["error"]) == (401, "invalid_token"), path
            assert response.headers["www-authenticate"].startswith("Bearer")


def test_methods_that_change_something_need_the_scope(service: Service) -> None:
    client = BatchClient(service, sub=an_email())
    batch_id = client.done(lines(a_row()))["id"]
    reader = BatchClient(service, sub=client.sub, scope="something:else")

    for refused in (reader.upload(lines(a_row())), reader.cancel(batch_id)):
        assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert reader.result(batch_id).status_code == 200
    assert len(reader.rows_of(batch_id)) == 1
    assert [batch["id"] for batch in reader.list()] == [batch_id]


def test_a_hash_of_another_system_needs_its_scope(service: Service) -> None:
    hashed = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"
    row = as_body({"email": an_email(), "passwordHash": hashed, "firstName": "Jane", "lastName": "Doe"})
    without = BatchClient(service, sub=an_email())
    importing = BatchClient(service, sub=without.sub, scope="customer:create customer:import")

    refused = without.done(lines(row), name="one")
    made = importing.done(lines(row), name="one")

    (told,) = without.rows_of(refused["id"])
    assert told["data"]["errors"][0]["field"] == "passwordHash"
    assert "customer:import" in told["data"]["errors"][0]["message"]
    assert made["outcomes"] == {"created": 1}
