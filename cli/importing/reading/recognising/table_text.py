"""Recognises tables: the sign between their columns, and their names."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from cli.importing.reading.input_form import SIGNS, InputForm
from cli.importing.reading.recognising.wrong_form import WrongForm
from cli.importing.reading.table import SEPARATOR_LINE, column_names
from cli.importing.records import Form

if TYPE_CHECKING:
    from cli.importing.options import ImportOptions
    from cli.importing.reading.recognising.head import Head

_AN_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
"""What is no name of a column."""

_LOOKED_AT: Final = 50
"""Rows by which the sign is chosen."""

_ALONE: Final = frozenset({"email", "e-mail", "email address"})
"""What the only column of a table may be called, where no sign tells that it is a table."""

_SPELLED: Final = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "bar": "|"}
"""Words for signs that a shell makes hard to give."""


def table_form(head: Head, options: ImportOptions) -> InputForm | WrongForm | None:
    """The text as a table; None where it is none."""
    # White space at the end of a line may be empty cells.
    texts = [line for line in head.whole.decode("utf-8", errors="replace").split("\n") if line.strip()]
    named = SEPARATOR_LINE.fullmatch(texts[0])
    given = _SPELLED.get(options.delimiter.lower(), options.delimiter)
    if given and (len(given) != 1 or given in '"\r\n \0'):
        return WrongForm("no table: --delimiter must be one sign, or tab", "Give the sign between the columns.")
    texts = texts[1:] if named else texts
    sign = given or (named[1] if named else _sign(texts, options))
    rows = _rows(texts, sign) if sign else []
    return _table(rows[0], sign) if rows else None


def _table(names: list[str], sign: str) -> InputForm | WrongForm:
    columns = column_names(names)
    if any(_AN_EMAIL.fullmatch(name) for name in columns):
        # Without this a message about columns could show the values of a customer.
        to_do = "Write the names of the columns above it."
        return WrongForm("a table (CSV) whose first line is a row and no names of columns", to_do)
    if twice := [name for name, count in Counter(columns).items() if name and count > 1]:
        to_do = "Rename or remove one of them."
        return WrongForm(f"a table (CSV) in which several columns have one name: {', '.join(twice)}", to_do)
    return InputForm(kind=Form.TABLE, delimiter=sign, columns=tuple(name for name in columns if name))


def _sign(texts: list[str], options: ImportOptions) -> str:
    """The sign by which most rows have as many cells as the first; "" where no sign makes a table."""
    best, best_score = "", (0, 0)
    for sign in SIGNS:
        rows = _rows(texts, sign)
        width = len(rows[0]) if rows else 0
        alike = sum(len(row) == width for row in rows[1:])
        if width > 1 and (alike or len(rows) == 1) and (alike, width) > best_score:
            best, best_score = sign, (alike, width)
    if best:
        return best
    # The only column has no sign beside it, so its name must tell that this is a table.
    only = texts[0].strip().strip('"')
    return "," if only.lower() in _ALONE or only in options.mapping.values() else ""


def _rows(texts: list[str], sign: str) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = csv.reader((text.removesuffix("\r") + "\n" for text in texts), delimiter=sign)
    try:
        for row in reader:
            rows.append(row)
            if len(rows) > _LOOKED_AT:
                break
    except csv.Error:
        pass  # a quote that does not close in what is looked at, or a very long cell
    return rows
