"""What a file was recognised as: all that a reader must know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNS: Final[Mapping[str, str]] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""The signs that are recognised between columns, and their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputForm:
    """The form of one file."""

    kind: Form
    encoding: str = "utf-8"
    """By Python's name: of the file as it is stored. `InputFile.content` is UTF-8 all the same."""
    compressed: bool = False
    """Whether the file is gzip."""
    delimiter: str = ""
    """The sign between the columns of a table."""
    spaced: bool = False
    """Whether spaces stand behind the signs, and belong to no cell."""
    list_name: str = ""
    """The list that holds the customers, where they are in a JSON object: `data.customers` for a list further in."""
    columns: tuple[str, ...] = ()
    """The names of a table's columns, without those that have none."""

    @property
    def counts_by(self) -> Literal["line", "item"]:
        """What a record's number counts."""
        return "item" if self.kind is Form.JSON_LIST else "line"

    @property
    def encoding_name(self) -> str:
        """What people call the encoding."""
        return _NAMES.get(self.encoding, self.encoding.upper())

    @property
    def described(self) -> str:
        """What a person is told that the file is."""
        match self.kind:
            case Form.JSON_LINES:
                words = ["JSON lines"]
            case Form.JSON_LIST:
                words = [f"the list {self.list_name} of a JSON object" if self.list_name else "one JSON array"]
            case Form.TABLE if len(self.columns) < 2:  # noqa: PLR2004 # of one column: no sign separates it
                words = ["CSV, one column"]
            case Form.TABLE:
                words = [f"CSV, columns between {SIGNS.get(self.delimiter, f'the sign {self.delimiter}')}"]
        if self.compressed:
            words.append("gzip")
        if self.encoding != "utf-8":
            words.append(self.encoding_name)
        return ", ".join(words)


_NAMES: Final[Mapping[str, str]] = {
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
    "iso8859-1": "ISO-8859-1",
    "mac-roman": "Mac Roman",
}
"""What people call an encoding, by Python's name for it."""
