"""Writes the rows that were refused, in the input's own form, so that they can be corrected and submitted again.

Each row has its number, the error and the reason beside its values, under names that are never sent. Passwords and
hashes are left out: whoever submits the file again names the file that has them.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from cli.importing.mapping.secret_columns import without_secrets
from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from cli.importing.plan import ImportPlan
    from cli.importing.records import ImportRow
    from cli.submission.result_files import LinesOut

NUMBER: Final = "_line"
"""The name under which a refused row's number stands."""
ERROR: Final = "_error"
"""The name under which the error's code stands."""
REASON: Final = "_reason"
"""The name under which a person reads why."""

RESERVED: Final = (NUMBER, ERROR, REASON)
"""Names that `submit` writes beside refused rows, and takes out of the rows again."""

_LINE_END: Final = "\r\n"
"""What the writer of tables puts behind a row. What takes the rows puts its own there."""


class FailedRows(Protocol):
    """Takes rows that were refused."""

    def write(self, row: ImportRow, *, error: str, reason: str) -> None:
        """Write one row. Neither text holds a value of the row."""

    def finish(self) -> None:
        """All refused rows are written."""


class NoFailedRows:
    """Takes refused rows that nobody wants to have."""

    def write(self, row: ImportRow, *, error: str, reason: str) -> None:
        """See FailedRows."""

    def finish(self) -> None:
        """See FailedRows."""


class FailedTableRows:
    """Writes a table with the input's columns and its sign between them."""

    def __init__(
        self, out: LinesOut, *, columns: Sequence[str], delimiter: str, secret_columns: frozenset[str]
    ) -> None:
        self._out = out
        self._columns = [name for name in columns if name not in RESERVED]
        self._shown = [name for name in self._columns if name not in secret_columns]
        self._text = io.StringIO(newline="")
        # The writer quotes only line breaks that it might write itself, so it is given both signs.
        self._writer = csv.writer(self._text, delimiter=delimiter, lineterminator=_LINE_END)
        self._write([*RESERVED, *self._shown])

    def write(self, row: ImportRow, *, error: str, reason: str) -> None:
        """See FailedRows."""
        for place, record in enumerate(row.records):
            beside = [_number_in(record.values, record.number), error, reason] if not place else ["", "", ""]
            self._write([*beside, *(record.values.get(name) or "" for name in self._shown)])

    def finish(self) -> None:
        """See FailedRows."""
        self._out.finish()

    def _write(self, cells: Iterable[Any]) -> None:
        self._writer.writerow(cells)
        self._out.write(self._text.getvalue().removesuffix(_LINE_END))
        self._text.seek(0)
        self._text.truncate()


class FailedObjects:
    """Writes JSON objects: one a line, or as items of a list where the input is one."""

    def __init__(self, out: LinesOut, plan: ImportPlan) -> None:
        # A dot in the name stands for a list further in.
        names = plan.form.list_name.split(".") if plan.form.list_name else []
        self._out = out
        self._is_list = plan.form.kind is Form.JSON_LIST
        self._secret_paths, self._shown_paths = plan.secret_columns, plan.shown_columns
        self._ending = "]" + "}" * len(names)
        self._held = ""
        if self._is_list:
            self._out.write("".join(f"{{{json.dumps(name, ensure_ascii=False)}: " for name in names) + "[")

    def write(self, row: ImportRow, *, error: str, reason: str) -> None:
        """See FailedRows."""
        for place, values in enumerate(_objects(row)):
            number = _number_in(values, row.records[place].number if row.records else row.number)
            kept = without_secrets(values, self._secret_paths, self._shown_paths)
            kept = {name: value for name, value in kept.items() if name not in RESERVED}
            beside = {NUMBER: number, ERROR: error, REASON: reason} if not place else {}
            self._write_object(json.dumps(beside | kept, ensure_ascii=False, default=_as_number))

    def finish(self) -> None:
        """See FailedRows."""
        if self._held:
            self._out.write(self._held)
        if self._is_list:
            self._out.write(self._ending)
        self._out.finish()

    def _write_object(self, text: str) -> None:
        if not self._is_list:
            self._out.write(text)
            return
        if self._held:
            self._out.write(f"{self._held},")
        self._held = text


def failed_rows(out: LinesOut, plan: ImportPlan) -> FailedRows:
    """What writes refused rows in the form of this input."""
    form = plan.form
    if form.kind is Form.TABLE:
        return FailedTableRows(out, columns=form.columns, delimiter=form.delimiter, secret_columns=plan.secret_columns)
    return FailedObjects(out, plan)


def _objects(row: ImportRow) -> list[Mapping[str, Any]]:
    if row.records:
        return [record.values for record in row.records]
    try:
        value = json.loads(row.body)
    except (ValueError, RecursionError):
        return [{}]  # it may hold a password, and nobody knows where
    return [value if isinstance(value, dict) else {}]


def _number_in(values: Mapping[str, Any], number: int) -> int | str:
    """The number that the row has in the file in which it stood first."""
    first = values.get(NUMBER)
    return first if isinstance(first, int | str) and first else number


def _as_number(value: Decimal) -> float:
    return float(value)
