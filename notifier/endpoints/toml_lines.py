"""Finds the lines of a TOML file on which things stand. `tomllib` does not tell them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import tomllib

_AT_LINE: Final = re.compile(r"\(at line ([0-9]+), column [0-9]+\)")
"""How `tomllib` tells where it stopped. The rest of its text is not shown: it may repeat a piece of the file."""

_TEXT_OR_COMMENT: Final = re.compile(
    r'#[^\n]*+|"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*+"|\'[^\'\n]*+\'', re.DOTALL
)
"""A comment, or a text in one of TOML's four ways of writing it."""


class TomlLines:
    """Where the tables of an array of tables begin, and their keys."""

    def __init__(self, text: str, *, table: str) -> None:
        """Look for the tables.

        Args:
            text: the file. It is TOML.
            table: the array's name, as in `[[name]]`.
        """
        self._lines = _lines(_TEXT_OR_COMMENT.sub(_without_further_lines, text))
        header = re.compile(rf"\s*\[\[\s*[\"']?{re.escape(table)}[\"']?\s*\]\]")
        self._starts = [number for number, line in enumerate(self._lines, start=1) if header.match(line)]

    def of_key(self, index: int, key: str) -> int:
        """The line of a key in the table with that index. The table's first line if the key is not found."""
        if index >= len(self._starts):
            return self.of_top()
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._lines) + 1
        written = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
        for number in range(start, end):
            if written.match(self._lines[number - 1]):
                return number
        return start

    def of_top(self) -> int:
        """The first line that says anything."""
        said = (number for number, line in enumerate(self._lines, start=1) if line.strip() and line.strip()[0] != "#")
        return next(said, 1)


def line_of_error(error: tomllib.TOMLDecodeError, text: str) -> int:
    """The line on which the file stops being TOML."""
    at = _AT_LINE.search(str(error))
    return int(at[1]) if at else len(_lines(text))


def _lines(text: str) -> list[str]:
    """The lines as TOML and editors count them. `str.splitlines` also ends one at U+2028, U+0085 and others."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _without_further_lines(found: re.Match[str]) -> str:
    """Nothing that stands on the second line of a text, or later, is taken for a table or a key."""
    written = found[0]
    first, *further = written.split("\n")
    return first + "\n" * len(further)
