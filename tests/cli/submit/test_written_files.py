"""The files that a run writes: results, and refused rows that are corrected and submitted again."""

from __future__ import annotations

import csv
import io
import json
import stat
from typing import TYPE_CHECKING

import pytest

from tests.cli.submission import end, feed, start, submit
from tests.cli.submit.tables import a_row, rows_in, table
from tests.contract.service import Service, an_email
from tests.support.requests import CANARY, a_request
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_results_go_to_a_file(service: Service, batch: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"

    ended = submit(service, "--lines", str(batch), "--results", str(results))

    assert ended.stdout == ""
    assert len(results.read_text().splitlines()) == 50


def test_refused_rows_are_results_in_a_file_too(service: Service, batch: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    batch.write_text("[]\n" + batch.read_text())

    ended = submit(service, "--lines", str(batch), "--results", str(results), "--concurrency", "2")

    assert ended.code == 1
    assert sorted(json.loads(line)["line"] for line in results.read_text().splitlines()) == list(range(1, 52))


@pytest.mark.slow
def test_results_can_go_to_a_device(service: Service, batch: Path) -> None:
    assert submit(service, "--lines", str(batch), "--results", "/dev/null").code == 0


def test_the_lines_are_never_overwritten_with_results(service: Service, batch: Path) -> None:
    before = batch.read_text()

    assert submit(service, "--lines", str(batch), "--results", str(batch)).code == 2
    assert batch.read_text() == before


def test_results_replace_the_file_once_the_run_is_complete(service: Service, path: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    results.write_text("of yesterday\n")
    path.write_text(table([a_row()]))

    broken = submit(service, str(path), "--results", str(results), INTAKE_TOKEN="x.y.z")
    before = results.read_text()
    complete = submit(service, str(path), "--results", str(results))

    assert (broken.code, before) == (2, "of yesterday\n")
    assert complete.code == 0
    assert [json.loads(line)["line"] for line in results.read_text().splitlines()] == [2]
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


def test_a_pipe_s_results_are_added_to_the_file(service: Service, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    results.write_text("of yesterday\n")
    process = start(service.environment, "-", "--batch", an_email(), "--results", str(results))
    feed(process, table([a_row()]))
    wait_until(lambda: len(results.read_text().splitlines()) == 2, timeout=30, what="a result is written")
    process.kill()
    process.wait(30)

    assert results.read_text().startswith("of yesterday\n")
    assert end(process).stdout == ""


def test_refused_rows_are_written_with_their_reasons_and_without_passwords(
    service: Service, path: Path, tmp_path: Path
) -> None:
    failed = tmp_path / "failed.csv"
    path.write_text(table([a_row(), a_row("nobody"), [*a_row()[:3], "", ""], ["ragged"]]))

    ended = submit(service, str(path), "--failed", str(failed))

    assert ended.code == 1
    assert CANARY not in failed.read_text()
    assert stat.S_IMODE(failed.stat().st_mode) == 0o600
    rows = rows_in(failed)
    assert [row["_line"] for row in rows] == ["3", "4", "5"]
    assert [row["_error"] for row in rows] == ["customer_invalid_email", "validation_error", "validation_error"]
    assert (rows[0]["_reason"], rows[0]["email"], rows[0]["firstName"]) == ("the email is not valid", "nobody", "Jane")
    assert "password" not in rows[0]


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CRLF"])
def test_line_breaks_in_the_cells_of_a_refused_row_are_written_as_they_were(
    service: Service, path: Path, tmp_path: Path, line_break: str
) -> None:
    failed, name = tmp_path / "failed.csv", f"Two{line_break}Lines"
    path.write_bytes(f'{table([])}nobody,{CANARY},Jane,"{name}"\n'.encode())

    submit(service, str(path), "--failed", str(failed))

    (row,) = csv.DictReader(io.StringIO(failed.read_bytes().decode(), newline=""))
    assert row["lastName"] == name


def test_a_corrected_whole_file_tells_which_rows_were_corrected(service: Service, path: Path, tmp_path: Path) -> None:
    failed, good = tmp_path / "failed.csv", a_row()
    path.write_text(table([good, a_row("nobody"), a_row("nobody else")]))
    assert submit(service, str(path), "--failed", str(failed)).code == 1

    path.write_text(table([good, a_row(), a_row("nobody else")]))
    ended = submit(service, str(path), "--failed", str(failed))

    assert ended.code == 1
    assert (
        "3 accepted, 1 created, 1 of them corrected, 1 in before, 1 refused (1 customer_invalid_email),"
        " 1 of them not for the first time, 0 without an outcome" in ended.stderr
    )
    assert [row["_line"] for row in rows_in(failed)] == ["4"]


def test_the_refused_rows_alone_are_submitted_again_with_the_passwords_of_the_file(
    service: Service, path: Path, tmp_path: Path
) -> None:
    failed, email = tmp_path / "failed.csv", an_email()
    path.write_text(table([a_row(), a_row("nobody"), a_row("nobody else")]))
    assert submit(service, str(path), "--failed", str(failed), "--batch", path.name).code == 1
    failed.write_text(failed.read_text().replace("nobody,", f"{email},"))

    without = submit(service, str(failed), "--batch", path.name)
    ended = submit(service, str(failed), "--batch", path.name, "--passwords-from", str(path), "--failed", str(failed))

    assert without.code == 2
    assert "--passwords-from" in without.stderr
    assert ended.code == 1
    assert "2 accepted, 1 created, 1 of them corrected, 1 refused" in ended.stderr
    (stored,) = [customer for customer in service.customers() if customer["email"] == email]
    assert stored["password_hash"].startswith("$argon2id$")
    # The numbers are still those of the file that has the passwords.
    assert [row["_line"] for row in rows_in(failed)] == ["4"]


def test_refused_items_of_a_json_list_are_written_as_a_json_list(service: Service, tmp_path: Path) -> None:
    path, failed = tmp_path / f"{an_email()}.json", tmp_path / "failed.json"
    items = [a_request(email=an_email()), a_request(email="nobody"), a_request(email="nobody else")]
    path.write_text(json.dumps(items, indent=2))

    ended = submit(service, str(path), "--failed", str(failed))

    assert ended.code == 1
    printed = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(row["item"], row["ok"]) for row in printed] == [(1, True), (2, False), (3, False)]
    written = json.loads(failed.read_text())
    assert [each["_line"] for each in written] == [2, 3]
    assert [each["email"] for each in written] == ["nobody", "nobody else"]
    assert all("password" not in each for each in written)
    assert "(items 2, 3)" in ended.stderr


def test_refused_json_lines_are_written_as_json_lines(service: Service, tmp_path: Path) -> None:
    path, failed = tmp_path / f"{an_email()}.jsonl", tmp_path / "failed.jsonl"
    path.write_text(json.dumps(a_request(email="nobody")) + "\n" + CANARY + "\n" + json.dumps(a_request()) + "\n")

    assert submit(service, str(path), "--failed", str(failed)).code == 1

    first, second = (json.loads(line) for line in failed.read_text().splitlines())
    assert (first["_line"], first["email"], "password" in first) == (1, "nobody", False)
    # What is no JSON may hold a password anywhere.
    assert (set(second), second["_line"]) == ({"_line", "_error", "_reason"}, 2)


@pytest.mark.slow
def test_duplicates_may_be_no_failure(service: Service, path: Path, tmp_path: Path) -> None:
    taken, failed = an_email(), tmp_path / "failed.csv"
    assert submit(service, "-", "--batch", an_email(), stdin=table([a_row(taken)])).code == 0
    path.write_text(table([a_row(taken), a_row()]))

    reported = submit(service, str(path))
    ignored = submit(service, str(path), "--on-duplicate", "ignore", "--failed", str(failed))

    assert (reported.code, ignored.code) == (1, 0)
    assert "1 of customers that others made, 0 refused" in ignored.stderr
    assert rows_in(failed) == []
