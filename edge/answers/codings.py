"""What `Accept-Encoding` says: whether an answer may be compressed."""

from __future__ import annotations

from typing import Final

_NOT_WANTED: Final = frozenset({"q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000"})
"""The weights that refuse a coding."""


def takes_gzip(accepted: str) -> bool:
    """Whether a client that sent this `Accept-Encoding` reads gzip. One that does not name gzip gets it never."""
    for coding in accepted.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "").replace("\t", "") not in _NOT_WANTED
    return False
