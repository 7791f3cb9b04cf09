"""The errors of a batch for a person: how many rows each has, and where the first of them are."""

from __future__ import annotations

import re
from bisect import insort
from dataclasses import dataclass, field
from typing import Any, Final

_MAXIMUM_KINDS: Final = 100
"""How many different errors are remembered. Further ones are only counted."""
_SHOWN_KINDS: Final = 10
"""How many errors are told, the most frequent first."""
_SHOWN_LINES: Final = 5
"""How many line numbers are told for each error, the lowest first."""
_MAXIMUM_CHARACTERS: Final = 160
"""A longer text of the service is cut."""
_NUMBER: Final = re.compile(r"\d+")
"""A number in a message. It is left out when messages are compared."""
_PLAIN_FIELD: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""A field's name that may be shown. Others could be content of the file."""
_UNPRINTABLE: Final = re.compile(r"[^ -~]")
"""Whatever a terminal might not simply show."""
_MEANINGS: Final = {
    "duplicate_key": "another customer has this email",
    "customer_invalid_email": "the email is not valid",
    "address_contry_invalid": "a country is no ISO 3166-1 alpha-2 code that is in force",
}
"""Error → what a person is told, where the service sends a value and no message."""


@dataclass(slots=True)
class _Kind:
    error: str
    message: str
    told_by: str
    rows: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        self.rows += 1
        if len(self.lines) < _SHOWN_LINES or line < self.lines[-1]:
            insort(self.lines, line)
            del self.lines[_SHOWN_LINES:]

    def __str__(self) -> str:
        lines = ", ".join(f"{line:,}" for line in self.lines) + (", …" if self.rows > len(self.lines) else "")
        many = "" if self.rows == 1 else "s"
        message = f": {self.message}" if self.message else ""
        return f"{self.error}: {self.rows:,} row{many} ({self.told_by}{many} {lines}){message}"


class ErrorTally:
    """Counts rows by error and message. Keeps the service's messages and nothing else of its answers."""

    def __init__(self, told_by: str = "line") -> None:
        """`told_by`: what a row's number counts."""
        self._told_by = told_by
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self._others = 0

    def add(self, line: int, error: str, *, message: str = "") -> None:
        """Count one row."""
        # "at character 12" and "addresses.3.city" are one kind each.
        key = (error, _NUMBER.sub("0", message))
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MAXIMUM_KINDS:
                self._others += 1
                return
            kind = self._kinds[key] = _Kind(_printable(error), message, self._told_by)
        kind.add(line)

    def documents(self) -> list[dict[str, Any]]:
        """Each error for a program, the most frequent first."""
        return [
            {"error": kind.error, "message": kind.message, "rows": kind.rows, f"{self._told_by}s": kind.lines}
            for kind in self._sorted()
        ]

    def lines(self) -> list[str]:
        """One line for each error that is told, and one with the number of the other rows."""
        kinds = self._sorted()
        hidden = self._others + sum(kind.rows for kind in kinds[_SHOWN_KINDS:])
        return [
            *(str(kind) for kind in kinds[:_SHOWN_KINDS]),
            *([f"other errors: {hidden:,} {'row' if hidden == 1 else 'rows'}, see the results"] if hidden else []),
        ]

    def _sorted(self) -> list[_Kind]:
        return sorted(self._kinds.values(), key=lambda kind: (-kind.rows, kind.lines))


def message_of(document: dict[str, Any]) -> str:
    """The first fault of a failure, after its column or field; "" where none is told."""
    return next(iter(_messages(document)), "")


def reason_of(document: dict[str, Any]) -> str:
    """All faults of a failure in one line; where none is told, what its code means."""
    return "; ".join(_messages(document)) or _MEANINGS.get(str(document.get("error")), "")


def _messages(document: dict[str, Any]) -> list[str]:
    data = document.get("data")
    errors = data.get("errors") if isinstance(data, dict) else None
    if not isinstance(errors, list):
        return []
    return [_message(each) for each in errors if isinstance(each, dict)]


def _message(fault: dict[str, Any]) -> str:
    message, where = _printable(str(fault.get("message", ""))), str(fault.get("field", ""))
    column = str(fault.get("column", ""))
    if column:
        return f"{_printable(column)}: {message}"
    if not where:
        return message
    return f"{where if _PLAIN_FIELD.fullmatch(where) else 'a field'}: {message}"


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text[:_MAXIMUM_CHARACTERS])
