"""What a run writes: results, refused rows, and which rows an earlier run refused."""

from __future__ import annotations

import csv
import json
import sys
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

import click

from cli.submission.failed_rows import NUMBER, failed_rows
from cli.submission.result_files import AppendedFile, LinesFile, LinesStream, NoLines, can_be_replaced

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from contextlib import ExitStack
    from pathlib import Path
    from typing import IO

    from cli.importing.plan import ImportPlan
    from cli.importing.reading.input_file import InputFile
    from cli.submission.failed_rows import FailedRows
    from cli.submission.result_files import LinesOut

_PRIVATE: Final = 0o600
"""The mode of a file with refused rows: whoever runs the command may read them."""


def open_results(files: ExitStack, path: Path | None, source: InputFile, *, silent: bool) -> LinesOut:
    """Where results go: what --results gives, else stdout. A file is closed with `files`.

    Args:
        files: closes what is opened.
        path: of a file; one that exists is replaced once the run is complete. Results of a pipe are added to it, since
            each run has other rows.
        source: the rows come from it.
        silent: whether stdout is for something else.

    Raises:
        UsageError: the file cannot be written, or the rows come from it.
    """
    if path is None:
        return NoLines() if silent else LinesStream(sys.stdout)
    if source.is_same(path):
        raise click.UsageError("--results must not be the file of the rows")
    try:
        out: AppendedFile | LinesFile
        out = LinesFile(path) if source.is_regular and can_be_replaced(path) else AppendedFile(path)
    except OSError as error:
        raise click.UsageError(f"cannot open --results ({error.strerror})") from None
    files.callback(out.close)
    return out


def open_failed(files: ExitStack, path: Path | None, plan: ImportPlan) -> FailedRows | None:
    """Where refused rows go: what --failed gives. The file has its name once the run is complete.

    Raises:
        UsageError: the file cannot be written.
    """
    if path is None:
        return None
    try:
        out = LinesFile(path, mode=_PRIVATE)
    except OSError as error:
        raise click.UsageError(f"cannot open --failed ({error.strerror})") from None
    files.callback(out.close)
    return failed_rows(out, plan)


def failed_before(path: Path | None, plan: ImportPlan) -> Container[int]:
    """The numbers of rows that an earlier run refused, by the file of --failed; all where that is submitted."""
    if plan.is_failed_file:
        return _Every()
    if path is None:
        return ()
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return _Numbers(_numbers_in(lines))
    except (OSError, ValueError, csv.Error):
        return ()  # there is none, or it is not of this command, which will say so where it writes


class _Every:
    def __contains__(self, number: object) -> bool:
        return True


class _Numbers:
    """Numbers in little memory."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = array("Q", numbers)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        place = bisect_left(self._numbers, number)
        return place < len(self._numbers) and self._numbers[place] == number


def _numbers_in(lines: IO[str]) -> Iterator[int]:
    """The numbers in a file of refused rows, which has them in their order."""
    first = lines.readline()
    lines.seek(0)
    if first.startswith(NUMBER):
        delimiter = first[len(NUMBER)]
        yield from (int(row[0]) for row in csv.reader(lines, delimiter=delimiter) if row and row[0].isdigit())
        return
    for line in lines:
        text = line.strip().rstrip(",")
        if text.startswith("{") and text.endswith("}"):
            number = _number_in(json.loads(text))
            if number is not None:
                yield number


def _number_in(document: dict[str, Any]) -> int | None:
    number = document.get(NUMBER)
    return int(number) if isinstance(number, int | str) and str(number).isdigit() else None
