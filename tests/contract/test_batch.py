"""`customer.create.batch` from the first byte to the last row, with a real worker."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from tests.contract.batch_client import BATCH, BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support.requests import a_full_request, as_body

if TYPE_CHECKING:
    from tests.contract.service import Service


@pytest.fixture
def client(service: Service) -> BatchClient:
    return BatchClient(service, sub=an_email())


def test_every_row_gets_its_outcome_under_the_number_of_its_line(client: BatchClient) -> None:
    taken = an_email()
    full = a_full_request(email=an_email())
    body = b"\n".join(
        [as_body(full), b"", a_row(email=taken), a_row(email=taken.upper()), b"no JSON", a_row(lastName="")]
    )

    summary = client.done(body, name="a-file")

    assert (summary["rows"], summary["finished"], summary["status"]) == (5, 5, "DONE")
    assert summary["outcomes"] == {"created": 2, "duplicate_key": 1, "validation_error": 2}
    assert (summary["name"], summary["mode"], summary["complete"]) == ("a-file", "create", True)
    rows = client.rows_of(summary["id"])
    assert [row["row"] for row in rows] == [1, 3, 4, 5, 6]
    assert rows[0]["customer"]["addresses"][0]["city"] == full["addresses"][0]["city"]
    assert [row.get("error") for row in rows] == [
        None,
        None,
        "duplicate_key",
        "validation_error",
        "validation_error",
    ]


def test_the_answer_says_where_the_result_will_be(client: BatchClient) -> None:
    response = client.upload(lines(a_row()), name="a-file")

    assert response.status_code == 202
    batch = response.json()["batch"]
    assert response.json() == {
        "ok": True,
        "batch": {"id": batch["id"], "name": "a-file", "status": batch["status"], "rows": 1},
    }
    assert response.headers["location"] == f"{BATCH}.result?id={batch['id']}"
    assert response.headers["retry-after"] in {"1", "2"}
    result = client.result(batch["id"])
    assert result.status_code == 200
    assert result.json()["batch"]["outcomes"] == {"created": 1}
    assert result.json()["batch"]["finishedAt"] is not None
    assert result.json()["batch"]["secondsLeft"] == 0


def test_the_same_call_again_makes_nothing_twice(client: BatchClient) -> None:
    body = lines(*(a_row() for _ in range(300)))
    first = client.done(body, name="a-file")
    corrected = body + lines(a_row())

    again = client.done(corrected, name="a-file")

    assert first["outcomes"] == {"created": 300}
    assert again["outcomes"] == {"created": 1, "repeated": 300}
    made = [row["customer"]["id"] for row in client.rows_of(first["id"])]
    rows = client.rows_of(again["id"])
    assert [row["customer"]["id"] for row in rows[:300]] == made
    assert [row.get("repeated") for row in rows] == [True] * 300 + [None]


def test_a_batch_without_a_name_is_named_by_the_idempotency_key_or_gets_a_new_name(client: BatchClient) -> None:
    body = lines(a_row())

    named = [client.upload(body, {"idempotency-key": "key1"}).json()["batch"]["name"] for _ in range(2)]
    unnamed = [client.upload(body).json()["batch"]["name"] for _ in range(2)]

    assert named == ["key1", "key1"]
    assert unnamed[0] != unnamed[1]


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
def test_a_compressed_body_is_read(client: BatchClient, coding: str) -> None:
    members = [gzip.compress(lines(a_row(), a_row())), gzip.compress(lines(a_row()))]

    response = client.upload(b"".join(members), {"content-encoding": coding, "prefer": "wait=20"})

    assert response.json()["batch"]["outcomes"] == {"created": 3}


@pytest.mark.parametrize("media_type", ["application/jsonl", "application/jsonlines", "application/ndjson"])
def test_other_names_of_the_content_type_are_taken(client: BatchClient, media_type: str) -> None:
    response = client.upload(lines(a_row()), {"content-type": f"{media_type}; charset=UTF-8"})

    assert response.status_code == 202


def test_the_last_line_needs_no_line_end(client: BatchClient) -> None:
    assert client.done(a_row() + b"\r\n" + a_row())["outcomes"] == {"created": 2}


def test_a_validated_batch_stores_nothing(client: BatchClient) -> None:
    twice = an_email()
    body = lines(a_row(), a_row(email=twice), a_row(email=twice, lastName="Other"), a_row(firstName=""))
    before = len(client.service.customers())

    summary = client.done(body, mode="validate")

    assert summary["mode"] == "validate"
    assert summary["outcomes"] == {"duplicate_key": 1, "valid": 2, "validation_error": 1}
    assert client.rows_of(summary["id"])[0] == {"row": 1, "ok": True, "valid": True}
    assert len(client.service.customers()) == before


def test_in_an_ordered_batch_the_first_row_with_an_email_wins(client: BatchClient) -> None:
    twice = an_email()
    rows = [a_row(email=twice), *(a_row() for _ in range(299)), a_row(email=twice, lastName="Other")]

    summary = client.done(lines(*rows), ordered="true")

    assert summary["outcomes"] == {"created": 300, "duplicate_key": 1}
    assert client.rows_of(summary["id"], only="failed")[0]["row"] == 301


def test_a_body_without_rows_is_a_batch_that_has_ended(client: BatchClient) -> None:
    summary = client.done(b"\n \r\n\n")

    assert (summary["rows"], summary["status"], summary["outcomes"]) == (0, "DONE", {})


def test_rows_can_be_read_in_pages_and_only_those_that_failed(client: BatchClient) -> None:
    rows = [a_row() if number % 100 else a_row(lastName="") for number in range(600)]
    batch_id = client.done(lines(*rows))["id"]

    pages = [client.rows_of(batch_id, after=str(after), limit="250") for after in (0, 250, 500, 600)]
    failed = client.rows_of(batch_id, only="failed", after="1", limit="3")

    assert [len(page) for page in pages] == [250, 250, 100, 0]
    assert [row["row"] for page in pages for row in page] == list(range(1, 601))
    assert [row["row"] for row in failed] == [101, 201, 301]
    assert len(client.rows_of(batch_id)) == 600
    assert len(client.rows_of(batch_id, follow="true")) == 600


def test_a_call_that_follows_gets_every_row_to_the_last(client: BatchClient) -> None:
    batch_id = client.accepted(lines(*(a_row() for _ in range(1200))))

    rows = client.rows_of(batch_id, follow="true")

    assert [row["row"] for row in rows] == list(range(1, 1201))
    assert client.result(batch_id, wait=0).status_code == 200


def test_batches_are_listed_with_the_newest_first(client: BatchClient) -> None:
    ids = [client.done(lines(a_row()), name=name)["id"] for name in ("one", "two")]

    assert [(batch["id"], batch["name"]) for batch in client.list()] == [(ids[1], "two"), (ids[0], "one")]
