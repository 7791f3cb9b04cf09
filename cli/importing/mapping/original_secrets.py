"""Fills the secrets of a failed file from the file in which its rows stood first.

A failed file never holds a password or a hash. Its rows have the numbers that they had in the original, in rising
order, so both files are read side by side, and neither is held in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.importing.mapping.fields import LINE, RESERVED
from cli.importing.mapping.paths import first_name
from cli.importing.reading.errors import BrokenInputError
from cli.importing.reading.readers import records
from cli.importing.records import Form, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cli.importing.reading.input_file import InputFile
    from cli.importing.reading.input_form import InputForm

NO_NUMBER: Final = f"its {LINE} is no number"
"""Why a row has no place in the original."""
NOT_RISING: Final = f"its {LINE} is not larger than that of a row before it: sort the rows by {LINE} again"
"""Why the two files cannot be read side by side."""
NO_SUCH_ROW: Final = f"its {LINE} is no row of the file with the passwords"
"""The fault of a row that the original does not have."""
ANOTHER_ROW: Final = f"it has nothing in common with the row of its {LINE} in the file with the passwords"
"""The fault of a row that another customer has in the original. A password must not come to another customer."""

_FEW_DIGITS: Final = 16
"""A number of so many digits is none of a row. Reading a very long one takes very long."""

_NOTHING: Final = (None, "")
"""What counts as no value."""

_LEAST_COMPARED: Final = 2
"""Values of a row that are compared. Where there is only one, a correction may have changed it."""


class OriginalSecrets:
    """Joins the records of a failed file with those of the original."""

    def __init__(self, original: InputFile, form: InputForm, secrets: frozenset[str]) -> None:
        """`secrets`: columns, or dotted paths in a JSON object."""
        self._original = original
        self._form = form
        self._is_table = form.kind is Form.TABLE
        self._secrets = sorted(secrets)
        self._others = secrets | RESERVED

    def filled(self, failed: Iterable[Record]) -> Iterator[Record]:
        """Yield the records with the secrets of the original, where they have none of their own.

        Raises:
            BrokenInputError: the numbers do not rise, or one of the files cannot be read.
            OSError: one of the files cannot be read.
        """
        with self._original.content() as content:
            others = records(self._form, content)
            other, last = next(others, None), 0
            for record in failed:
                line = _line_of(record.values)
                if record.fault or line is None:
                    yield self._completed(record)
                    continue
                if line <= last:
                    raise BrokenInputError(record.number, NO_NUMBER if line < 0 else NOT_RISING)
                last = line
                while other is not None and other.number < line:
                    other = next(others, None)
                yield self._joined(record, other if other is not None and other.number == line else None)

    def _joined(self, record: Record, other: Record | None) -> Record:
        if other is None or other.fault:
            return Record(record.number, record.values, NO_SUCH_ROW)
        if not self._is_alike(record.values, other.values):
            return Record(record.number, record.values, ANOTHER_ROW)
        if self._is_table:
            own = record.values
            secrets = {
                column: own[column] if own.get(column, "").strip() else other.values.get(column, "")
                for column in self._secrets
            }
            return Record(record.number, {**own, **secrets})
        values: dict[str, Any] = dict(record.values)
        for path in self._secrets:
            values = _with_secret(values, other.values, path)
        return Record(record.number, values)

    def _completed(self, record: Record) -> Record:
        """A row of a table that was added by hand has the columns too."""
        if record.fault or not self._is_table:
            return record
        return Record(record.number, {**dict.fromkeys(self._secrets, ""), **record.values})

    def _is_alike(self, own: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        compared = [
            value == other.get(name)
            for name, value in own.items()
            # What holds a secret somewhere within differs by it.
            if name not in self._others and value not in _NOTHING and not isinstance(value, dict | list)
        ]
        return len(compared) < _LEAST_COMPARED or any(compared)


def _line_of(values: Mapping[str, Any]) -> int | None:
    """The row's number in the original, -1 where it is no number, None where it has none."""
    line = values.get(LINE)
    if isinstance(line, str):
        text = line.strip()
        if not text:
            return None
        return int(text) if text.isascii() and text.isdecimal() and len(text) < _FEW_DIGITS else -1
    return None if line is None else line if isinstance(line, int) else -1


def _with_secret(own: Any, other: Any, path: str) -> Any:
    """The same value with what a path leads to in the other one, where it leads to nothing here."""
    if not path:
        return other if own in _NOTHING else own
    first, _, rest = path.partition(".")
    if isinstance(own, list) and isinstance(other, list):
        # A path may go through one item of a list, or through every item.
        wanted, beyond = (int(first), rest) if first.isdecimal() and len(first) < _FEW_DIGITS else (None, path)
        return [
            _with_secret(item, other[place], beyond) if wanted in {None, place} and place < len(other) else item
            for place, item in enumerate(own)
        ]
    if not isinstance(own, dict) or not isinstance(other, dict):
        return own
    name = first_name(other, path)
    if name not in other:
        return own
    if own.get(name) in _NOTHING:
        return {**own, name: other[name]}
    return own if name == path else {**own, name: _with_secret(own[name], other[name], path[len(name) + 1 :])}
