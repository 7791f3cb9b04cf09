"""What came of one try to deliver an event."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

_SUCCESSES: Final = range(200, 300)
"""The only statuses that say that the event was taken. A redirect is followed by nobody, so it is none."""


class Fault(StrEnum):
    """Why there is no status, or none that counts. These are values of metrics and of log lines."""

    UNKNOWN_NAME = "unknown_name"
    """The DNS has no address of the host, or did not answer."""
    ADDRESS_REFUSED = "address_refused"
    """Every address of the host is one that nothing may be sent to."""
    NOT_CONNECTED = "not_connected"
    """No connection could be made."""
    TLS_FAILED = "tls_failed"
    """The certificate is not good for the host, or TLS failed otherwise."""
    BROKEN_ANSWER = "broken_answer"
    """The connection ended before the answer did, or the answer was no HTTP."""
    UNFORESEEN = "unforeseen"
    """Something went wrong that nobody thought of. The log has the rest."""
    TIMEOUT = "timeout"
    """There was no whole answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one try."""

    status: int | None = None
    """The answer's HTTP status, where a whole answer came."""
    fault: Fault | None = None
    """Why there was none."""
    detail: str = ""
    """More about the fault, as a code: why an address was refused."""
    retry_after_seconds: float | None = None
    """For how long the receiver asked to wait."""

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has the event."""
        return self.status in _SUCCESSES

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no events any more."""
        return self.status == HTTPStatus.GONE

    @property
    def outcome(self) -> str:
        """In one word, of which there are few: the status, or the fault."""
        return str(self.status) if self.fault is None else str(self.fault)
