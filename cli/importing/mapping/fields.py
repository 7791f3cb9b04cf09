"""The fields of a customer that a column can hold, and the dotted names that they are written by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

EMAIL: Final = "email"
"""The field by which customers differ."""
PASSWORD: Final = "password"  # noqa: S105 - the field's name
"""The field of a clear password."""
PASSWORD_HASH: Final = "passwordHash"  # noqa: S105 - the field's name
"""The field of a hash that another system made."""
TAGS: Final = "tags"
"""The field that is a list of texts."""
ADDRESSES: Final = "addresses"
"""The field that is a list of addresses."""
ADDRESS_LINES: Final = "address_2"
"""The field of an address that is a text or a list of texts."""
COUNTRY: Final = "country"
"""The field of an address's country."""
PHONE: Final = "phone"
"""The field of an address's phone."""

SECRET_FIELDS: Final = frozenset({PASSWORD, PASSWORD_HASH})
"""Fields whose values are shown nowhere."""

CUSTOMER_FIELDS: Final = (EMAIL, PASSWORD, PASSWORD_HASH, "firstName", "lastName", "status", TAGS, ADDRESSES)
"""The fields of a customer, in the contract's order."""

ADDRESS_FIELDS: Final = (
    *("name", "firstName", "lastName", "address_1", ADDRESS_LINES, "postCode", "city", "state", COUNTRY, "company"),
    *(PHONE, "instructions"),
)
"""The fields of an address, in the contract's order."""

REQUIRED_FIELDS: Final = (EMAIL, "firstName", "lastName")
"""What every customer must have, beside a password or a hash."""
REQUIRED_ADDRESS_FIELDS: Final = ("name", "firstName", "address_1", "postCode", "city", "state", COUNTRY)
"""What every address must have."""

LINE: Final = "_line"
"""The name in a failed file under which the row's number in the original stands."""
RESERVED: Final = frozenset({LINE, "_error", "_reason"})
"""Names that a failed file has beside a row's own. They are never sent."""

_TEXTS: Final = frozenset(CUSTOMER_FIELDS) - {TAGS, ADDRESSES}
"""Fields of a customer that are one text."""
_PLACE: Final = re.compile(r"0|[1-9][0-9]{0,2}")
"""A place in a list, from 0."""


class Field(NamedTuple):
    """A field of a customer, or a part of one."""

    name: str
    """Of the customer's field."""
    place: int | None = None
    """Which tag, or which address. None where all are meant."""
    inner: str = ""
    """The address's field."""
    line: int | None = None
    """Which line of `address_2`, where that is a list."""


def parse_field(text: str) -> Field | None:
    """The field that a dotted name means. None where the contract has none of this name.

    `addresses.city` means the city of each address, `addresses.0.city` that of the first, `tags.0` the first tag.
    """
    if text in _TEXTS or text == TAGS:
        return Field(text)
    name, _, rest = text.partition(".")
    if name == TAGS:
        return Field(TAGS, int(rest)) if _PLACE.fullmatch(rest) else None
    if name != ADDRESSES:
        return None
    first, dot, inner = rest.partition(".")
    place = None
    if dot and _PLACE.fullmatch(first):
        place, rest = int(first), inner
    if rest in ADDRESS_FIELDS:
        return Field(ADDRESSES, place, rest)
    lines, _, line = rest.partition(".")
    if lines == ADDRESS_LINES and _PLACE.fullmatch(line):
        return Field(ADDRESSES, place, ADDRESS_LINES, int(line))
    return None


def column_of(columns: Mapping[str, str], path: str) -> str | None:
    """The column that a field comes from; of a part, such as `tags.3`, that of the whole. None where there is none.

    Args:
        columns: field's path → column. See Draft.
        path: of a field, as a fault names it.
    """
    part = path
    while part:
        if part in columns:
            return columns[part]
        part = part.rpartition(".")[0]
    return None


def simplified(name: str) -> str:
    """A name without case and signs, by which "First Name" and "first_name" are seen to be `firstName`."""
    return "".join(character for character in name.casefold() if character.isalnum())
