"""Reads `Retry-After` (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECONDS: Final = re.compile(rb"[0-9]{1,9}")
"""A number of seconds, up to some thirty years."""
_LONGEST_DATE: Final = 40
"""Characters that a date may have."""


def retry_after_seconds(headers: Iterable[tuple[bytes, bytes]], *, now: datetime) -> float | None:
    """For how long a receiver asks to wait. None if it does not ask, or not in a form that the standard has."""
    for name, value in headers:
        if name.lower() == b"retry-after":
            return _seconds(value.strip(), now)
    return None


def _seconds(value: bytes, now: datetime) -> float | None:
    if _SECONDS.fullmatch(value):
        return float(value)
    if len(value) > _LONGEST_DATE:
        return None
    try:
        at = parsedate_to_datetime(value.decode("ascii"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
