"""What is raised where an input cannot be read: as a whole, or from some place on."""

from __future__ import annotations


class WrongInputError(Exception):
    """The input is refused as a whole. The text tells a person what it is and what to do."""


class BrokenInputError(Exception):
    """The rest of the input cannot be read. The records before were yielded."""

    def __init__(self, number: int, message: str) -> None:
        """`number` is where it ends: of a line, or of an item. The message holds nothing of the input."""
        super().__init__(message)
        self.number = number
        self.message = message


class BrokenContentError(Exception):
    """The bytes of an input end too early or are damaged. Readers translate this: they know the number of the line."""
