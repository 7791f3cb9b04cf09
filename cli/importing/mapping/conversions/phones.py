"""Phones: the contract wants an integer, and people write signs between the digits."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

MAXIMUM_DIGITS: Final = 15
"""Of a phone, by the contract."""

NO_NUMBER: Final = f"is no phone that can be an integer of at most {MAXIMUM_DIGITS} digits"
"""The fault of a text that is no such phone."""
ROUNDED: Final = "is a phone whose digits a spreadsheet has rounded: export it as text"
"""The fault of a phone in exponential notation."""
DROPPED: Final = f"a phone was left out: it can be no integer of at most {MAXIMUM_DIGITS} digits"
"""The warning where an option leaves such a phone out."""

_SIGNS: Final = dict.fromkeys(map(ord, " \t\u00a0\u2007\u202f\u2009+-.()/\u2010\u2011\u2012\u2013"))
"""Signs between digits: they mean nothing. Spreadsheets and word processors put other blanks and dashes in."""

_ROUNDED: Final = re.compile(r"[0-9][.,][0-9]+[eE]\+[0-9]{1,3}")
"""How a spreadsheet writes a number that is too wide for its column."""
_TRUNK_ZERO: Final = re.compile(r"^((?:\+|00)[ .-]?[0-9]{1,3}[ .-]?)\(0\)")
"""`+44 (0)20 …`: the zero is dialled only where no country's code is."""
_FRACTION: Final = re.compile(r"[0-9]+\.0")
"""How pandas writes a column of integers where a cell of it is empty."""


class BadPhoneError(ValueError):
    """The phone cannot be an integer. The message holds none of it."""


def phone_number(value: Any) -> Any:
    """A phone as an integer. What is neither a text nor a fraction is left to the service.

    The leading zeros and the `+` are lost, as the contract says.

    Raises:
        BadPhoneError: the text cannot be an integer of at most 15 digits.
    """
    if isinstance(value, Decimal):
        if value.adjusted() < MAXIMUM_DIGITS and value >= 0 and value == (number := int(value)):
            return number
        raise BadPhoneError(NO_NUMBER)
    if not isinstance(value, str):
        return value
    text = value.strip().removeprefix("'")
    text = _TRUNK_ZERO.sub(r"\1", text, count=1)
    if _FRACTION.fullmatch(text):
        text = text[:-2]
    digits = text.translate(_SIGNS)
    if digits.isascii() and digits.isdecimal() and len(digits) <= MAXIMUM_DIGITS:
        return int(digits)
    raise BadPhoneError(ROUNDED if _ROUNDED.fullmatch(text) else NO_NUMBER)
