"""Counts what the edge turns away before a method sees it, and logs it at a bounded rate."""

from __future__ import annotations

import logging
import time
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE_EVERY_SECONDS: Final = 10.0
"""The least time between two log lines with the same reason."""

log = structlog.get_logger("edge")


class Reason(StrEnum):
    """Why a client was turned away. docs/operations.md explains each reason."""

    CONNECTIONS = "connections"
    REQUESTS = "requests"
    UPLOADS = "uploads"
    MALFORMED = "malformed"
    SLOW_HEAD = "slow_head"
    SLOW_BODY = "slow_body"
    SENDS_ON = "sends_on"
    READS_NOTHING = "reads_nothing"


class Refusals:
    """Counts everything that was turned away. Logs each reason at most every ten seconds, with its count since then."""

    def __init__(self, count: Callable[[str], None], *, now: Callable[[], float] = time.monotonic) -> None:
        """`count` is called with the reason each time. `now` is a clock in seconds."""
        self._count = count
        self._now = now
        self._since_line: Counter[Reason] = Counter()
        self._next_line_at: dict[Reason, float] = {}

    def add(self, reason: Reason) -> None:
        """Count one more with this reason, and log it unless that was done less than ten seconds ago."""
        self._count(reason)
        self._since_line[reason] += 1
        if self._now() >= self._next_line_at.get(reason, 0.0):
            self._next_line_at[reason] = self._now() + _LINE_EVERY_SECONDS
            log.warning("turned_away", reason=reason.value, count=self._since_line.pop(reason))


class _Malformed(logging.Filter):
    """Drops uvicorn's log lines about malformed requests. Otherwise a client could choose how fast the log grows."""

    _LINES: Final = ("Invalid HTTP request received.", "Unsupported upgrade request.", "No supported WebSocket library")

    def __init__(self, refusals: Refusals) -> None:
        super().__init__()
        self._refusals = refusals

    def filter(self, record: logging.LogRecord) -> bool:
        """Count a request that was no HTTP. An offer to speak another protocol is dropped too, and not counted."""
        if record.msg == self._LINES[0]:
            self._refusals.add(Reason.MALFORMED)
        return not str(record.msg).startswith(self._LINES)


def count_malformed_requests(refusals: Refusals) -> None:
    """Count the requests that uvicorn refuses itself, and drop the line that it logs for each."""
    logger = logging.getLogger("uvicorn.error")
    for each in [each for each in logger.filters if isinstance(each, _Malformed)]:
        logger.removeFilter(each)
    logger.addFilter(_Malformed(refusals))
