"""Rules that need more than a field's form: what an email is, when two are the same, which countries are in force."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

import pycountry
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.customer import Address

COUNTRIES: Final[frozenset[str]] = frozenset(country.alpha_2 for country in pycountry.countries)
"""The ISO 3166-1 alpha-2 codes in force. Membership only: pycountry's look-ups take names, other codes and any case."""

FURTHER_COUNTRIES: Final[frozenset[str]] = frozenset(
    [
        # User-assigned, as XK is for Kosovo: ISO will never give them to a country.
        *("AA", "ZZ"),
        *(f"Q{letter}" for letter in ascii_uppercase[12:]),
        *(f"X{letter}" for letter in ascii_uppercase),
        # Exceptionally reserved: no countries, and in use for places all the same (IC: the Canary Islands).
        *("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "FX", "IC", "SU", "TA", "UK", "UN"),
    ]
)
"""Codes that an operator may take as well. Any other is a country's already, or may become another's one day."""

SPECIAL_USE_DOMAINS: Final[frozenset[str]] = frozenset(SPECIAL_USE_DOMAIN_NAMES)
"""Names that no email of the public network has (RFC 6761, 6762, 7686), and that a staging system may have."""


@dataclass(frozen=True, slots=True)
class Email:
    """An email that can be stored."""

    address: str
    """As it was written, with its domain normalised."""
    key: str
    """Equal for emails that are the same: without regard to case, to Unicode's compatibility forms in the local part,
    and to the domain's spelling (IDNA 2008)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules as the settings have them."""

    further_countries: frozenset[str] = frozenset()
    """Of `FURTHER_COUNTRIES`, those that count as countries."""
    special_use_domains: frozenset[str] = frozenset()
    """Of `SPECIAL_USE_DOMAINS`, those under which an email may be."""

    def parse_email(self, text: str) -> Email | None:
        """The email, or None where its format is invalid.

        No name server is asked: whether mail arrives is not the format's question, and a look-up would make the outcome
        depend on the network.
        """
        special = self._special_use_domain(text)
        if special is None:
            return _parse_email(text)
        # The library refuses these names by a list that all of the process shares. So it is shown another name of the
        # same length, and everything else of its grammar holds.
        stand_in = f"{special[:-1]}x"
        parsed = _parse_email(text[: -len(special)] + stand_in)
        if parsed is None:
            return None
        return Email(
            address=parsed.address.removesuffix(stand_in) + special, key=parsed.key.removesuffix(stand_in) + special
        )

    def first_invalid_country(self, addresses: Sequence[Address]) -> tuple[int, str] | None:
        """Position and country of the first address whose country is not in force; None where all are."""
        for position, address in enumerate(addresses):
            country = address["country"]
            if country not in COUNTRIES and country not in self.further_countries:
                return position, country
        return None

    def _special_use_domain(self, text: str) -> str | None:
        if not self.special_use_domains:
            return None
        _, dot, last = text.rpartition("@")[2].rpartition(".")
        name = last.lower()
        return name if dot and last.isascii() and name in self.special_use_domains else None


def _parse_email(text: str) -> Email | None:
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
