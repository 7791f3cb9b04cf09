"""Rules that need more than a field's form: what an email is, when two are the same, which countries are in force."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pycountry
from email_validator import EmailNotValidError, validate_email

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.customer import Address

COUNTRIES: Final[frozenset[str]] = frozenset(country.alpha_2 for country in pycountry.countries)
"""The ISO 3166-1 alpha-2 codes in force. Membership only: pycountry's look-ups take names, other codes and any case."""


@dataclass(frozen=True, slots=True)
class Email:
    """An email that can be stored."""

    address: str
    """As it was written, with its domain normalised."""
    key: str
    """Equal for emails that are the same: without regard to case, to Unicode's compatibility forms in the local part,
    and to the domain's spelling (IDNA 2008)."""


def parse_email(text: str) -> Email | None:
    """The email, or None where its format is invalid.

    No name server is asked: whether mail arrives is not the format's question, and a look-up would make the outcome
    depend on the network.
    """
    try:
        valid = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return None
    # Not `valid.normalized`: the local part stays as it was written (valid.local_part is in Unicode's form C).
    local = text.rpartition("@")[0]
    ascii_domain = valid.ascii_domain
    return Email(
        address=f"{local}@{valid.domain}",
        key=f"{unicodedata.normalize('NFKC', local).casefold()}@{ascii_domain}",
    )


def first_invalid_country(addresses: Sequence[Address]) -> tuple[int, str] | None:
    """Position and country of the first address whose country is not in force; None where all are."""
    for position, address in enumerate(addresses):
        if address["country"] not in COUNTRIES:
            return position, address["country"]
    return None
