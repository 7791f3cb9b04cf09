"""What is said about a file that is not taken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrongForm:
    """A file that is refused as a whole, in words for a person. Nothing of what it holds is in them but JSON names."""

    what: str
    """Completes "this is"."""
    to_do: str
    """A sentence, in which FILE stands for the file."""

    def __str__(self) -> str:
        return f"this is {self.what}. Nothing was sent. {self.to_do}"
