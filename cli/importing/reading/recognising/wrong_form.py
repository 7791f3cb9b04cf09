"""What a person is told about a file that is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ONE_A_LINE: Final = "Write one JSON object a line"
"""The beginning of a sentence on what to do."""

NAMES: Final = "with the names email, password, firstName, lastName"
"""The end of such a sentence: the fields that a signup must have."""


@dataclass(frozen=True, slots=True)
class WrongForm:
    """Why a file is refused as a whole. The text repeats nothing of the file but names of columns and JSON fields."""

    what: str
    """What the file is: the words that follow "this is"."""
    to_do: str
    """What to do, as a sentence. FILE in it stands for the file."""

    def __str__(self) -> str:
        return f"this is {self.what}. Nothing was sent. {self.to_do}"
