"""Names of countries as codes, only where a name is exactly one of ISO 3166-1."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import pycountry

UNKNOWN: Final = "is neither the exact name of a country in ISO 3166-1 nor its code of two letters"
"""The fault of a text that is no country."""
KOSOVO: Final = "is Kosovo, which has no code in ISO 3166-1, and the contract takes no other: give another code"
"""The fault of this country, which people look for in vain."""

_NAMES: Final = ("name", "common_name", "official_name")
"""Which names of a country count. No two countries share one."""
_KOSOVO: Final = frozenset({"kosovo", "republic of kosovo", "xk"})
"""What Kosovo is called. `XK` is a code that some use, and that the standard does not have."""


class UnknownCountryError(ValueError):
    """The text is no country's exact name and no code. The message holds none of it."""


def country_code(value: Any) -> Any:
    """The code of a country, by its exact name or its code; case does not count. What is no text is left as it is.

    Raises:
        UnknownCountryError: there is no such country, or it has no code.
    """
    if not isinstance(value, str):
        return value
    name = value.strip().casefold()
    code = _codes().get(name)
    if code is None:
        raise UnknownCountryError(KOSOVO if name in _KOSOVO else UNKNOWN)
    return code


@cache
def _codes() -> dict[str, str]:
    """Name or code, without case → code."""
    codes = {}
    for country in pycountry.countries:
        codes[country.alpha_2.casefold()] = country.alpha_2
        # Asked for a name that it lacks, pycountry gives another one and a warning.
        codes |= {text.casefold(): country.alpha_2 for name, text in country if name in _NAMES}
    return codes
