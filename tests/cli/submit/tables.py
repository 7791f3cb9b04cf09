"""Tables to submit, and the tables that are written."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from tests.contract.service import an_email
from tests.support.requests import CANARY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS: Final = ("email", "password", "firstName", "lastName", "addresses.0.phone")


def a_row(email: str | None = None, *, last_name: str = "Doe") -> list[str]:
    """The cells of a signup."""
    return [email or an_email(), CANARY, "Jane", last_name]


def table(rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS[:4], delimiter: str = ",") -> str:
    """The text of a table."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def rows_in(path: Path) -> list[dict[str, str]]:
    """The rows of a table that was written."""
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
