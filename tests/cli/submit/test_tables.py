"""`customer-intake submit` of tables: how rows are read, counted and told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.submission import end, feed, start, submit
from tests.cli.submit.tables import COLUMNS, a_row, table
from tests.contract.service import Service, an_email
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess


def opened_by(process: subprocess.Popen[str]) -> set[Path]:
    return {each.resolve() for each in Path(f"/proc/{process.pid}/fd").iterdir()}


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
