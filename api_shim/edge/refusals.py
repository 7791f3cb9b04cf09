"""What the edge turns away before it is a request of ours: counted each time, logged at a bounded rate."""

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
"""The least time between two log lines for one reason."""

log = structlog.get_logger("api_shim.edge")


class Reason(StrEnum):
    """Why; docs/operations.md explains each."""

    CONNECTIONS = "connections"
    REQUESTS = "requests"
    MALFORMED = "malformed"
    SLOW_HEAD = "slow_head"
    SLOW_BODY = "slow_body"
    SENDS_ON = "sends_on"
    READS_NOTHING = "reads_nothing"


class Refusals:
    """Counts what was turned away, and writes a line for each reason at most every ten seconds."""

    def __init__(self, count: Callable[[str], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._now = now
        self._since_line: Counter[Reason] = Counter()
        self._next_line_at: dict[Reason, float] = {}

    def add(self, reason: Reason) -> None:
        """One more."""
        self._count(reason)
        self._since_line[reason] += 1
        if self._now() >= self._next_line_at.get(reason, 0.0):
            self._next_line_at[reason] = self._now() + _LINE_EVERY_SECONDS
            log.warning("turned_away", reason=reason.value, count=self._since_line.pop(reason))


class _Malformed(logging.Filter):
    """Takes the lines about malformed requests out of uvicorn's log: whoever sends them would choose its rate."""

    _LINES: Final = ("Invalid HTTP request received.", "Unsupported upgrade request.", "No supported WebSocket library")

    def __init__(self, refusals: Refusals) -> None:
        super().__init__()
        self._refusals = refusals

    def filter(self, record: logging.LogRecord) -> bool:
        """Count what was no HTTP; an offer to speak another protocol is declined without a word."""
        if record.msg == self._LINES[0]:
            self._refusals.add(Reason.MALFORMED)
        return not str(record.msg).startswith(self._LINES)


def count_malformed_requests(refusals: Refusals) -> None:
    """Count what uvicorn refuses by itself, in place of the line that it writes for each."""
    logger = logging.getLogger("uvicorn.error")
    for each in [each for each in logger.filters if isinstance(each, _Malformed)]:
        logger.removeFilter(each)
    logger.addFilter(_Malformed(refusals))
