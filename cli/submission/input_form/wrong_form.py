"""What a person is told about a file that is refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrongForm:
    """Why a file is refused as a whole. The text repeats nothing of the file but names of JSON fields."""

    what: str
    """What the file is: the words that follow "this is"."""
    to_do: str
    """What to do, as a sentence. FILE in it stands for the file."""

    def __str__(self) -> str:
        return f"this is {self.what}. Nothing was sent. {self.to_do}"
