"""`customer-intake submit` of tables and JSON lists: refused rows, corrected rows, and what is written of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import stat
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.cli.submission import Ended, end, feed, start
from tests.contract.service import Service, an_email
from tests.support.requests import CANARY, a_request
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence

    from tests.conftest import Environment, Starter

COLUMNS: Final = ("email", "password", "firstName", "lastName", "addresses.0.phone")


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    """A shim and a worker."""
    running = Service(start_module_shim(module_env), start_module_worker(module_env))
    with closing(running.http):
        yield running


def submit(service: Service, *arguments: str, stdin: str | None = None, **secrets: str) -> Ended:
    return end(start(service.environment, *arguments, **secrets), stdin)


def a_row(email: str | None = None, *, last_name: str = "Doe") -> list[str]:
    return [email or an_email(), CANARY, "Jane", last_name]


def table(rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS[:4], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def rows_in(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


def opened_by(process: subprocess.Popen[str]) -> set[Path]:
    return {each.resolve() for each in Path(f"/proc/{process.pid}/fd").iterdir()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a table; its name is new, and with it the batch's."""
    return tmp_path / f"{an_email()}.csv"


def test_each_row_of_a_table_is_told_by_the_line_where_it_begins(service: Service, path: Path) -> None:
    emails = [an_email() for _ in range(3)]
    path.write_text(table([a_row(emails[0]), a_row(emails[1], last_name="Two\nLines"), a_row(emails[2])]))

    ended = submit(service, str(path))

    assert ended.code == 0, ended.stderr
    assert [(row["line"], row["customer"]["email"]) for row in ended.rows] == [
        *((2, emails[0]), (3, emails[1]), (5, emails[2])),
    ]
    assert ended.rows[1]["customer"]["lastName"] == "Two\nLines"


def test_rows_that_are_not_sent_have_their_results_among_the_others(service: Service, path: Path) -> None:
    good = [a_row() for _ in range(3)]
    path.write_text(table([good[0], ["too", "few"], good[1], ["far", "too", "many", "cells", "here"], good[2]]))

    ended = submit(service, str(path))

    assert ended.code == 1
    printed = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(row["line"], row["ok"]) for row in printed] == [(2, True), (3, False), (4, True), (5, False), (6, True)]
    assert "3 accepted, 3 created, 2 refused (2 validation_error), 2 of them not sent" in ended.stderr


def test_a_complaint_of_the_service_names_the_column(service: Service, path: Path) -> None:
    path.write_text(table([a_row(), a_row(last_name="x" * 2_000)], ["E-Mail", "Kennwort", "Vorname", "Nachname"]))
    names = ("email=E-Mail", "password=Kennwort", "firstName=Vorname", "lastName=Nachname")

    ended = submit(service, str(path), *(word for name in names for word in ("--map", name)))

    assert ended.code == 1
    (error,) = ended.rows[1]["data"]["errors"]
    assert (error["field"], error["column"]) == ("lastName", "Nachname")
    assert "validation_error: 1 row (line 3): Nachname: " in ended.stderr


def test_a_complaint_about_a_part_names_the_column_of_the_whole(service: Service, path: Path) -> None:
    path.write_text(table([[*a_row(), f"VIP,{'x' * 2_000}"]], [*COLUMNS[:4], "Labels"]))

    ended = submit(service, str(path), "--map", "tags=Labels")

    (error,) = ended.rows[0]["data"]["errors"]
    assert (error["field"], error["column"]) == ("tags.1", "Labels")


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


def test_duplicates_may_be_no_failure(service: Service, path: Path, tmp_path: Path) -> None:
    taken, failed = an_email(), tmp_path / "failed.csv"
    assert submit(service, "-", "--batch", an_email(), stdin=table([a_row(taken)])).code == 0
    path.write_text(table([a_row(taken), a_row()]))

    reported = submit(service, str(path))
    ignored = submit(service, str(path), "--on-duplicate", "ignore", "--failed", str(failed))

    assert (reported.code, ignored.code) == (1, 0)
    assert "1 of customers that others made, 0 refused" in ignored.stderr
    assert rows_in(failed) == []


def test_the_summary_can_be_json(service: Service, path: Path) -> None:
    path.write_text(table([a_row(), a_row("nobody"), ["ragged"]]))

    ended = submit(service, str(path), "--json")

    summary = json.loads(ended.stdout)
    assert ended.code == summary["exit_code"] == 1
    assert (summary["batch"], summary["rows"], summary["accepted"], summary["created"]) == (path.name, 3, 2, 1)
    assert summary["refused"] == {"validation_error": 1, "customer_invalid_email": 1}
    assert (summary["not_sent"], summary["without_outcome"]) == (1, 0)
    assert {(each["error"], each["rows"], *each["lines"]) for each in summary["errors"]} == {
        ("validation_error", 1, 4),
        ("customer_invalid_email", 1, 3),
    }


def test_a_preview_shows_how_rows_are_read_and_sends_nothing(service: Service, path: Path) -> None:
    row = a_row()
    path.write_text(table([row, ["ragged"], a_row()]))

    ended = submit(service, str(path), "--preview", "2")

    assert ended.code == 0, ended.stderr
    first, second = (json.loads(line) for line in ended.stdout.splitlines())
    assert (first["line"], first["customer"]["email"]) == (2, row[0])
    assert second["line"] == 3
    assert second["faults"]
    assert "Nothing is sent" in ended.stderr
    assert row[0] not in {customer["email"] for customer in service.customers()}


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


def test_a_table_may_come_through_a_pipe_as_it_is_written(service: Service) -> None:
    process = start(service.environment, "-", "--batch", an_email())
    assert process.stdout is not None
    feed(process, table([]))
    for line in (2, 3):
        feed(process, table([a_row()]).partition("\n")[2])
        row = json.loads(process.stdout.readline())
        assert (row["line"], row["ok"]) == (line, True)

    assert end(process).code == 0


def test_the_same_export_twice_at_once_makes_each_customer_once(service: Service, path: Path) -> None:
    emails = [an_email() for _ in range(60)]
    path.write_text(table([a_row(email) for email in emails]))

    both = [start(service.environment, str(path)) for _ in range(2)]
    ended = [end(process) for process in both]

    assert [each.code for each in ended] == [0, 0], [each.stderr for each in ended]
    assert all([row["customer"]["email"] for row in each.rows] == emails for each in ended)
    stored = [customer["email"] for customer in service.customers()]
    assert [stored.count(email) for email in emails] == [1] * 60


def test_rows_that_are_added_while_the_file_is_read_are_told_and_come_with_the_next_run(
    service: Service, path: Path
) -> None:
    path.write_text(table([a_row() for _ in range(40)]))
    service.shim.process.pause()
    process = start(service.environment, str(path))
    wait_until(lambda: path in opened_by(process), what="the run has opened the file")
    with path.open("a") as more:
        more.write(table([a_row()]).partition("\n")[2])
    service.shim.process.resume()

    first = end(process)
    second = submit(service, str(path))

    assert first.code == 1
    assert "the file was changed while it was read" in first.stderr
    assert second.code == 0
    assert "41 accepted, 1 created, 40 in before" in second.stderr


def test_a_row_that_is_put_on_top_makes_one_customer_more(service: Service, path: Path) -> None:
    rows = [a_row() for _ in range(3)]
    path.write_text(table(rows))
    assert submit(service, str(path)).code == 0

    path.write_text(table([a_row(), *rows]))
    ended = submit(service, str(path))

    assert ended.code == 0
    assert [(row["line"], row.get("repeated")) for row in ended.rows] == [(2, None), (3, True), (4, True), (5, True)]


def test_a_gzip_that_is_cut_off_is_sent_as_far_as_it_can_be_read(service: Service, path: Path) -> None:
    path.write_bytes(gzip.compress(table([a_row() for _ in range(200)]).encode())[:-20])

    results = path.with_suffix(".results")

    ended = submit(service, str(path), "--results", str(results))

    assert ended.code == 1
    assert "the rest cannot be read" in ended.stderr
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert rows
    assert all(row["ok"] for row in rows)


def test_a_wrong_encoding_is_told_before_anything_is_sent(service: Service, path: Path) -> None:
    text = table([a_row(last_name="Müller") for _ in range(5)])
    path.write_bytes(text.encode("cp1252"))

    refused = submit(service, str(path))
    told = submit(service, str(path), "--encoding", "cp1252")

    assert (refused.code, refused.stdout) == (2, "")
    assert "--encoding" in refused.stderr
    assert told.code == 0, told.stderr
    assert {row["customer"]["lastName"] for row in told.rows} == {"Müller"}


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
