"""`customer-intake submit`: each line of a file becomes one customer at most, however often the file is submitted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cli.submission import end, feed, lines_of, start, submit
from tests.contract.service import Service, an_email
from tests.support.requests import CANARY, a_full_request, a_request, without
from tests.support.tokens import token

if TYPE_CHECKING:
    from pathlib import Path


BATCH: Final = "/services/customer/v1/customer.create.batch"
HASH: Final = f"$pbkdf2-sha256$29000${'s' * 21}A${'d' * 42}A"


def test_each_line_has_its_customer_under_its_number(service: Service, batch: Path) -> None:
    documents = [json.loads(line) for line in batch.read_text().splitlines()]

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 0, ended.stderr
    assert [row["line"] for row in ended.rows] == list(range(1, 51))
    assert [row["customer"]["email"] for row in ended.rows] == [document["email"] for document in documents]
    assert all(row["ok"] is True for row in ended.rows)
    assert "50 accepted, 50 created, 0 refused, 0 without an outcome" in ended.stderr


def test_a_row_is_the_documented_response_with_its_line(service: Service, batch: Path) -> None:
    request = a_full_request(email=an_email())
    batch.write_text(lines_of([request]))

    (row,) = submit(service, str(batch)).rows

    assert list(row) == ["line", "ok", "customer"]
    assert without(row["customer"], "id", "addresses") == without(request, "password", "addresses")


def test_validating_tells_what_would_come_of_each_row_and_stores_nothing(service: Service, batch: Path) -> None:
    twice = an_email()
    rows = [a_request(email=twice), a_request(email="nobody"), a_request(email=twice, lastName="Another")]
    batch.write_text(lines_of(rows))

    ended = submit(service, str(batch), "--validate")

    assert ended.code == 1, ended.stderr
    assert ended.rows[0] == {"line": 1, "ok": True, "valid": True}
    assert [row.get("error") for row in ended.rows] == [None, "customer_invalid_email", "duplicate_key"]
    assert "3 accepted, 1 valid, 2 refused" in ended.stderr
    assert twice not in {customer["email"] for customer in service.customers()}


def test_hashes_of_another_system_need_a_token_that_may_import_them(service: Service, batch: Path) -> None:
    row = without(a_request(email=an_email()), "password") | {"passwordHash": HASH}
    batch.write_text(lines_of([row]))

    refused = submit(service, str(batch))
    may_import = token(service.environment, scope="customer:create customer:import")
    taken = submit(service, str(batch), INTAKE_TOKEN=may_import)

    assert (refused.code, refused.rows[0]["error"]) == (1, "validation_error")
    assert "passwordHash: needs a token with the scope customer:import" in refused.stderr
    assert (taken.code, taken.rows[0]["ok"]) == (0, True)
    assert HASH not in refused.stdout + refused.stderr + taken.stdout + taken.stderr


def test_without_waiting_the_result_is_the_batch(service: Service, batch: Path) -> None:
    ended = submit(service, "--lines", str(batch), "--no-wait")

    assert ended.code == 0
    result = json.loads(ended.stdout)
    assert result == {"batch": result["batch"], "name": result["name"], "rows": 50}
    summary = service.get(f"{BATCH}.result", id=result["batch"], wait="20").json()["batch"]
    assert summary["outcomes"] == {"created": 50}


def test_a_file_of_ten_thousand_rows_is_one_batch(service: Service, batch: Path) -> None:
    name = an_email()
    row = without(a_request(), "password")
    batch.write_text(lines_of([row | {"email": f"{number}.{name}", "passwordHash": HASH} for number in range(10_000)]))
    may_import = token(service.environment, scope="customer:create customer:import", sub="importer")

    ended = submit(service, str(batch), INTAKE_TOKEN=may_import)

    assert ended.code == 0, ended.stderr
    assert [each["customer"]["email"] for each in ended.rows] == [f"{number}.{name}" for number in range(10_000)]
    (known,) = service.get(f"{BATCH}.list", service.bearer(sub="importer")).json()["batches"]
    assert known["rows"] == 10_000


def test_refused_rows_are_results_and_no_end(service: Service, batch: Path) -> None:
    taken = an_email()
    batch.write_text(
        lines_of([a_request(email=taken), a_request(email="nobody"), {"password": CANARY}])
        + f"{CANARY}\n[]\n"
        + lines_of([a_request(email=an_email(), firstName="x" * 5_000_000)])
        + lines_of([a_request(email=an_email())]).rstrip("\n")
    )

    ended = submit(service, "--lines", str(batch), "--concurrency", "2")

    assert ended.code == 1, ended.stderr
    assert [row.get("error") for row in ended.rows] == [
        *(None, "customer_invalid_email", "validation_error", "validation_error", "validation_error"),
        *("validation_error", None),
    ]
    assert ended.rows[1]["data"] == {"email": "nobody"}
    assert "4 validation_error" in ended.stderr


def test_each_error_is_told_with_its_first_lines(service: Service, batch: Path) -> None:
    taken = an_email()
    without_name = {name: value for name, value in a_request(email=an_email()).items() if name != "lastName"}
    rows: list[Any] = [a_request(email=taken), a_request(email="nobody"), without_name, without_name]
    assert submit(service, "--lines", "-", "--batch", an_email(), stdin=lines_of(rows[:1])).code == 0
    batch.write_text(lines_of([*rows, a_request(email=taken.upper())]))

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 1, ended.stderr
    assert ended.stderr.splitlines()[:3] == [
        "duplicate_key: 2 rows (lines 1, 5)",
        "validation_error: 2 rows (lines 3, 4): lastName: Field required",
        "customer_invalid_email: 1 row (line 2)",
    ]


def test_results_of_a_slow_stdin_come_as_its_lines_do(service: Service) -> None:
    process = start(service.environment, "--lines", "-", "--batch", an_email())
    assert process.stdout is not None
    for number in (1, 2):
        feed(process, lines_of([a_request(email=an_email())]))
        row = json.loads(process.stdout.readline())
        assert (row["line"], row["ok"]) == (number, True)

    assert end(process).code == 0


@pytest.mark.slow
def test_clear_passwords_that_look_like_hashes_get_a_warning(service: Service, batch: Path) -> None:
    batch.write_text(lines_of([a_request(email=an_email()), a_request(email=an_email(), password=HASH)]))

    ended = submit(service, str(batch))

    assert ended.code == 0, ended.stderr
    assert "warning: 1 row (line 2): a password looks like a hash: did you mean passwordHash?" in ended.stderr
    assert HASH not in ended.stdout + ended.stderr


def test_a_second_run_makes_nothing_and_tells_that_the_rows_were_in(service: Service, batch: Path) -> None:
    first = submit(service, "--lines", str(batch))
    customers = len(service.customers())

    second = submit(service, "--lines", str(batch))

    assert second.code == 0
    assert second.rows == [{**row, "repeated": True} for row in first.rows]
    assert "50 accepted, 0 created, 50 in before, 0 refused" in second.stderr
    assert len(service.customers()) == customers


def test_rows_that_were_corrected_are_made_under_the_same_name(service: Service, batch: Path) -> None:
    name = an_email()
    wrong = [a_request(email=an_email()), a_request(email="nobody"), a_request(email=an_email())]
    batch.write_text(lines_of(wrong))
    assert submit(service, str(batch), "--batch", name).code == 1

    batch.write_text(lines_of([a_request(email=an_email()), wrong[0], a_request(email=an_email()), wrong[2]]))
    ended = submit(service, str(batch), "--batch", name)

    assert ended.code == 0
    assert [row.get("repeated") for row in ended.rows] == [None, True, None, True]
    assert "4 accepted, 2 created, 2 in before, 0 refused" in ended.stderr


def test_a_file_of_which_a_row_was_corrected_is_submitted_by_the_same_command(service: Service, batch: Path) -> None:
    first = submit(service, "--lines", str(batch))
    lines = batch.read_text().splitlines(keepends=True)
    batch.write_text(lines_of([a_request(email=an_email())]) + "".join(lines[1:]))

    ended = submit(service, "--lines", str(batch))

    assert first.code == ended.code == 0
    assert [row.get("repeated") for row in ended.rows] == [None, *([True] * 49)]
    assert "50 accepted, 1 created, 49 in before, 0 refused" in ended.stderr


@pytest.mark.slow
def test_the_same_file_elsewhere_is_the_same_batch_by_its_name(service: Service, batch: Path) -> None:
    first = submit(service, "--lines", str(batch))
    (batch.parent / "elsewhere").mkdir()
    moved = batch.rename(batch.parent / "elsewhere" / batch.name)

    assert submit(service, "--lines", str(moved)).rows == [{**row, "repeated": True} for row in first.rows]
