"""Texts from Redis as a person may see them, on the page and at a terminal."""

from __future__ import annotations

import re
from typing import Final

_MOST_CHARACTERS: Final = 400
"""A longer text is cut. Each viewer gets it every second, and codes and names are short."""

_CUT: Final = "…"
"""Ends a text that was cut."""

# Line breaks, controls of terminals, and those that turn the direction of what stands behind them.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that nobody sees, and that change how others are shown."""

_IN_THEIR_PLACE: Final = "\ufffd"
"""What Unicode has for what cannot be shown."""


def readable(text: bytes | str | None) -> str:
    """One line of bounded length, in which every character is seen as itself."""
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""
    if len(shown) > _MOST_CHARACTERS:
        shown = shown[:_MOST_CHARACTERS] + _CUT
    return _CONTROLS.sub(_IN_THEIR_PLACE, shown)
