"""The first lines of a text, by which its form is recognised."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from cli.importing.reading.numbered_lines import numbered


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was read of a text to look at it."""

    text: bytes = field(repr=False)
    """Its first bytes, in UTF-8. Of the last line they may be a part."""
    complete: bool
    """Whether these are all its bytes."""
    whole: bytes = field(repr=False)
    """The first bytes without a last line that is cut off, unless that is the only one."""
    lines: list[tuple[int, bytes]] = field(repr=False)
    """Its lines that are not blank, each with its number, without white space around them."""
    texts: list[str] = field(repr=False)
    """The same without numbers, as text."""
    cut: bool
    """Whether the last of them is incomplete."""

    @classmethod
    def of(cls, text: bytes, *, complete: bool) -> Beginning:
        """Look at the first bytes of a text."""
        whole, cut = text, not complete and not text.endswith(b"\n")
        if cut and text.strip().count(b"\n"):
            # The last line is cut off, so it is not judged.
            whole, cut = text[: text.rfind(b"\n") + 1], False
        lines = list(numbered(io.BytesIO(whole)))
        return cls(text, complete, whole, lines, [line.decode("utf-8", errors="replace") for _, line in lines], cut)

    @property
    def items(self) -> list[tuple[int, bytes]]:
        """The parts of the text between closing braces, each with its line. The items of a list may share a line."""
        items, number = [], 1
        for item in self.whole.split(b"}"):
            items.append((number, item))
            number += item.count(b"\n")
        return items
