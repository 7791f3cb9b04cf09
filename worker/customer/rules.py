"""Rules that need more than a field's form: what an email is, when two are the same, which countries exist."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

import pycountry
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.customer import Address

COUNTRIES: Final[frozenset[str]] = frozenset(country.alpha_2 for country in pycountry.countries)
"""The ISO 3166-1 alpha-2 codes in force. A set, because pycountry's own look-ups also take names and other codes."""

FURTHER_COUNTRIES: Final[frozenset[str]] = frozenset(
    [
        # User-assigned: ISO will never give them to a country. Kosovo uses XK, for example.
        *("AA", "ZZ"),
        *(f"Q{letter}" for letter in ascii_uppercase[12:]),
        *(f"X{letter}" for letter in ascii_uppercase),
        # Exceptionally reserved: they are no countries, but used for places. IC is the Canary Islands.
        *("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "FX", "IC", "SU", "TA", "UK", "UN"),
    ]
)
"""Codes that an operator may allow as well. Any other code is a country's already, or may become one."""

SPECIAL_USE_DOMAINS: Final[frozenset[str]] = frozenset(SPECIAL_USE_DOMAIN_NAMES)
"""Domains that exist in no public network (RFC 6761, 6762, 7686). A staging system may allow them."""


LONGEST_EMAIL: Final = 254
"""Of an email, in bytes as UTF-8 (RFC 3696, erratum 1690)."""

_ATOM: Final = r"[\w!#$%&'*+\-/=?^`{|}~]++"
"""What stands between two dots of a local part."""

_PLAIN_EMAIL: Final = re.compile(rf"(?=[^@]{{1,64}}+@)({_ATOM}(?:\.{_ATOM})*+)@([A-Za-z0-9.\-]++)", re.ASCII)
"""An email in ASCII whose local part is valid (RFC 5321), as nearly every one is. Its domain may be anything."""

_KNOWN_DOMAINS: Final = 4096
"""Domains that a worker remembers. Customers share few, and most of the work on a plain email is on its domain."""


@dataclass(frozen=True, slots=True)
class Email:
    """An email that can be stored."""

    address: str
    """As it was written, with its domain normalised."""
    key: str
    """Equal for emails that are the same. Case makes no difference, nor do compatibility forms of Unicode in the local
    part, nor the spelling of the domain (IDNA 2008)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules with the choices that the settings make."""

    further_countries: frozenset[str] = frozenset()
    """Codes of `FURTHER_COUNTRIES` that count as countries."""
    special_use_domains: frozenset[str] = frozenset()
    """Domains of `SPECIAL_USE_DOMAINS` that an email may have."""

    def parse_email(self, text: str) -> Email | None:
        """The email, or None where its format is invalid.

        No name server is asked. Whether mail arrives is not a matter of format, and the outcome would depend on the
        network.
        """
        special = self._special_use_domain(text)
        if special is None:
            return _parse_email(text)
        # The library refuses these names by a list that the whole process shares. So it checks another name of the same
        # length instead, and every other rule of its grammar still applies.
        stand_in = f"{special[:-1]}x"
        parsed = _parse_email(text[: -len(special)] + stand_in)
        if parsed is None:
            return None
        return Email(
            address=parsed.address.removesuffix(stand_in) + special, key=parsed.key.removesuffix(stand_in) + special
        )

    def first_invalid_country(self, addresses: Sequence[Address]) -> tuple[int, str] | None:
        """Position and country of the first address whose country does not exist. None if all exist."""
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
    plain = _PLAIN_EMAIL.fullmatch(text)
    if plain is not None:
        # The library takes ten times as long. That would be a fifth of the time that the worker needs for a row of a
        # batch that comes with a hash.
        local, domain = plain[1], _plain_domain(plain[2])
        if domain is not None:
            return Email(f"{local}@{domain}", f"{local.lower()}@{domain}") if len(text) <= LONGEST_EMAIL else None
    return _parse_any_email(text)


@lru_cache(_KNOWN_DOMAINS)
def _plain_domain(domain: str) -> str | None:
    """The domain, normalised, where it is valid and the same in ASCII and in Unicode."""
    parsed = _parse_any_email(f"a@{domain}")
    if parsed is None or parsed.address != parsed.key:
        return None
    return parsed.key.removeprefix("a@")


def _parse_any_email(text: str) -> Email | None:
    try:
        valid = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return None
    # Not `valid.normalized`, whose local part is in Unicode's form C: the local part stays as it was written.
    local = text.rpartition("@")[0]
    ascii_domain = valid.ascii_domain
    return Email(
        address=f"{local}@{valid.domain}",
        key=f"{unicodedata.normalize('NFKC', local).casefold()}@{ascii_domain}",
    )
