"""Recognises tables: the sign between their columns, and their names."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from cli.importing.reading.input_form import SIGNS, InputForm
from cli.importing.reading.recognising.wrong_form import WrongForm
from cli.importing.reading.table import column_names
from cli.importing.reading.table_lines import SEPARATOR_LINE
from cli.importing.records import Form

if TYPE_CHECKING:
    from cli.importing.options import ImportOptions
    from cli.importing.reading.recognising.beginning import Beginning

_NO_NAME: Final = re.compile(r"[^@\s]@[^@\s]+\.[^@\s]|^\$|^[0-9A-Fa-f]{32,}$")
"""What is in no name of a column: an email, or a hash of a password."""

_LOOKED_AT: Final = 50
"""Rows by which the sign is chosen."""

_TELLING: Final = frozenset({"email", "e-mail", "email address"})
"""Names that tell that a first line has the names of columns."""

_SPACE_AND_QUOTE: Final = re.compile(r' +"')
"""How a cell begins where spaces stand behind the signs."""

_SPELLED: Final = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "bar": "|"}
"""Words for signs that a shell makes hard to give."""


def table_form(beginning: Beginning, options: ImportOptions) -> InputForm | WrongForm | None:
    """The text as a table; None where it is none."""
    # White space at the end of a line may be empty cells.
    texts = [line for line in beginning.whole.decode("utf-8", errors="replace").split("\n") if line.strip()]
    named = SEPARATOR_LINE.fullmatch(texts[0])
    given = _SPELLED.get(options.delimiter.lower(), options.delimiter)
    if given and (len(given) != 1 or given in '"\r\n \0'):
        return WrongForm("no table: --delimiter must be one sign, or tab", "Give the sign between the columns.")
    texts = texts[1:] if named else texts
    sign = given or (named[1] if named else _sign(texts, options))
    rows = _rows(texts, sign) if sign else []
    # Without this a quote behind a space would belong to the value.
    spaced = any(_SPACE_AND_QUOTE.match(cell) for row in rows for cell in row)
    rows = _rows(texts, sign, spaced=True) if spaced else rows
    return _table(rows[0], sign, spaced=spaced) if rows else None


def _table(names: list[str], sign: str, *, spaced: bool) -> InputForm | WrongForm:
    columns = column_names(names)
    if any(_NO_NAME.search(name) for name in columns):
        # Without this a message about columns could show the values of a customer.
        to_do = "Write the names of the columns above it."
        return WrongForm("a table (CSV) whose first line is a row and no names of columns", to_do)
    if twice := [name for name, count in Counter(columns).items() if name and count > 1]:
        to_do = "Rename or remove one of them."
        return WrongForm(f"a table (CSV) in which several columns have one name: {', '.join(twice)}", to_do)
    named = tuple(name for name in columns if name)
    return InputForm(kind=Form.TABLE, delimiter=sign, spaced=spaced, columns=named)


def _sign(texts: list[str], options: ImportOptions) -> str:
    """The sign by which most rows have as many cells as the first; "" where no sign makes a table."""
    telling = {name.lower() for name in options.mapping.values()} | _TELLING
    best, best_score = "", (0, 0)
    for sign in SIGNS:
        rows = _rows(texts, sign)
        if not rows:
            continue
        width = len(rows[0])
        alike = sum(len(row) == width for row in rows[1:])
        is_table = alike or len(rows) == 1 or any(name.strip().lower() in telling for name in rows[0])
        if width > 1 and is_table and (alike, width) > best_score:
            best, best_score = sign, (alike, width)
    # The only column has no sign beside it, so its name must tell that this is a table.
    return best or ("," if texts[0].strip().strip('"').lower() in telling else "")


def _rows(texts: list[str], sign: str, *, spaced: bool = False) -> list[list[str]]:
    rows: list[list[str]] = []
    lines = (text.removesuffix("\r") + "\n" for text in texts)
    reader = csv.reader(lines, delimiter=sign, skipinitialspace=spaced)
    try:
        for row in reader:
            rows.append(row)
            if len(rows) > _LOOKED_AT:
                break
    except csv.Error:
        pass  # a quote that does not close in what is looked at, or a very long cell
    return rows
