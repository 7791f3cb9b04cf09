"""Files and plans for the tests of imports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.importing.options import ImportOptions
from cli.importing.plan import make_plan
from cli.importing.reading.errors import WrongInputError
from cli.importing.reading.input_file import InputFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cli.importing.records import ImportRow


def rows_of(path: Path, **options: Any) -> list[ImportRow]:
    """The rows of a file."""
    with InputFile(path) as source:
        plan = make_plan(source, ImportOptions(**options))
        with source.content() as content:
            return list(plan.rows(content))


def resent(path: Path, original: Path, **options: Any) -> list[ImportRow]:
    """The rows of a failed file, with the passwords of the original."""
    with InputFile(path) as source, InputFile(original) as secrets_from:
        plan = make_plan(source, ImportOptions(**options), secrets_from=secrets_from)
        with source.content() as content:
            return list(plan.rows(content))


def customers(rows: Sequence[ImportRow]) -> list[dict[str, Any]]:
    """What is sent. None of the rows has a fault."""
    assert [row.faults for row in rows if row.faults] == []
    return [json.loads(row.body) for row in rows]


def faults(rows: Sequence[ImportRow]) -> list[tuple[int, str, str]]:
    """Number, column and message of each fault."""
    return [(row.number, fault.where, fault.message) for row in rows for fault in row.faults]


def refusal(path: Path, **options: Any) -> str:
    """Why a file is refused as a whole."""
    with InputFile(path) as source, pytest.raises(WrongInputError) as refused:
        make_plan(source, ImportOptions(**options))
    return str(refused.value)


def written(path: Path, text: str | bytes) -> Path:
    """The same path; the file has this content now."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
