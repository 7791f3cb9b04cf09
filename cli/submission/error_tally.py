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


@dataclass(slots=True)
class _Kind:
    error: str
    message: str
    rows: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        self.rows += 1
        if len(self.lines) < _SHOWN_LINES or line < self.lines[-1]:
            insort(self.lines, line)
            del self.lines[_SHOWN_LINES:]

    def __str__(self) -> str:
        lines = ", ".join(f"{line:,}" for line in self.lines) + (", …" if self.rows > len(self.lines) else "")
        return (
            f"{self.error}: {self.rows:,} {'row' if self.rows == 1 else 'rows'}"
            f" ({'line' if self.rows == 1 else 'lines'} {lines}){f': {self.message}' if self.message else ''}"
        )


class ErrorTally:
    """Counts rows by error and message. Keeps the service's messages and nothing else of its answers."""

    def __init__(self) -> None:
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
            kind = self._kinds[key] = _Kind(_printable(error), message)
        kind.add(line)

    def lines(self) -> list[str]:
        """One line for each error that is told, and one with the number of the other rows."""
        kinds = sorted(self._kinds.values(), key=lambda kind: (-kind.rows, kind.lines))
        hidden = self._others + sum(kind.rows for kind in kinds[_SHOWN_KINDS:])
        return [
            *(str(kind) for kind in kinds[:_SHOWN_KINDS]),
            *([f"other errors: {hidden:,} {'row' if hidden == 1 else 'rows'}, see the results"] if hidden else []),
        ]


def message_of(document: dict[str, Any]) -> str:
    """The first fault in a failure's `data.errors`, after its field's name; "" where there is none."""
    data = document.get("data")
    errors = data.get("errors") if isinstance(data, dict) else None
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return ""
    message, where = _printable(str(errors[0].get("message", ""))), str(errors[0].get("field", ""))
    if not where:
        return message
    return f"{where if _PLAIN_FIELD.fullmatch(where) else 'a field'}: {message}"


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text[:_MAXIMUM_CHARACTERS])
