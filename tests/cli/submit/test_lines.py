"""Lines that are blank, too long, no signups or wrongly encoded, and byte order marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.submission import lines_of, submit
from tests.contract.service import Service, an_email
from tests.support.requests import a_request

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_that_are_all_no_signups_end_it_badly(service: Service, batch: Path) -> None:
    """The form was right by its beginning: an object that the service's stricter parser refuses."""
    batch.write_text('{"email": "a@example.com", "email": "b@example.com"}\n' * 500)

    ended = submit(service, str(batch))

    assert ended.code == 2
    assert len(ended.rows) == 500
    assert "not one row is a signup" in ended.stderr
    assert "an object has the same name twice" in ended.stderr


def test_a_line_in_another_encoding_ends_it_after_the_rows_before(service: Service, batch: Path) -> None:
    # Its beginning, which is judged before anything is sent, is right.
    blank = b"\n" * 1_100_000
    batch.write_bytes(batch.read_bytes() + blank + b'{"email": "caf\xe9"}\n' + batch.read_bytes())

    ended = submit(service, str(batch))

    assert ended.code == 1
    assert "the service cannot take the rest: line 1,100,051 is not UTF-8" in ended.stderr
    assert [row["line"] for row in ended.rows] == list(range(1, 51))


def test_blank_lines_are_skipped_and_counted(service: Service, batch: Path) -> None:
    batch.write_text("\n \r\n" + lines_of([a_request(email=an_email())]).replace("\n", "\r\n") + "\n")

    assert [(row["line"], row["ok"]) for row in submit(service, "--lines", str(batch)).rows] == [(3, True)]


def test_a_line_longer_than_memory_should_hold_is_one_refused_row(service: Service, batch: Path) -> None:
    good = lines_of([a_request(email=an_email())])
    batch.write_text(good + "x" * 40_000_000 + "\n" + lines_of([a_request(email=an_email())]))

    ended = submit(service, "--lines", str(batch))

    assert [(row["line"], row.get("error")) for row in ended.rows] == [(1, None), (2, "validation_error"), (3, None)]


def test_a_byte_order_mark_costs_no_row(service: Service, batch: Path) -> None:
    batch.write_bytes(b"\xef\xbb\xbf" + batch.read_bytes())

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 0, ended.stderr
    assert [row["ok"] for row in ended.rows] == [True] * 50


def test_a_byte_order_mark_in_a_stream_costs_no_row(service: Service, batch: Path) -> None:
    ended = submit(service, "--lines", "-", "--batch", an_email(), stdin="\ufeff" + batch.read_text())

    assert ended.code == 0, ended.stderr
    assert [row["ok"] for row in ended.rows] == [True] * 50


def test_a_file_that_turns_bad_in_the_middle_does_not_end_well(service: Service, batch: Path) -> None:
    batch.write_text(batch.read_text() + '{"email": 1,\n"password":\n' * 100)

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 1
    assert len(ended.rows) == 250
    assert "50 created" in ended.stderr
    assert "(lines 51, 53, 55, 57, 59, …)" in ended.stderr


def test_a_stream_of_blank_lines_has_no_rows(service: Service) -> None:
    ended = submit(service, "--lines", "-", "--batch", an_email(), stdin="\n" * 1_100_000)

    assert ended.code == 2
    assert "stdin: this is empty: it has no rows. Nothing was sent." in ended.stderr
