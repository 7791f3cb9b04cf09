"""The sealed request of a task, opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.sealing import UnknownEnvelopeVersionError, UnknownSealingKeyError, UnsealError
from worker.customer.rows import Refused, Row

if TYPE_CHECKING:
    from schemas.ids import IdDeriver
    from schemas.sealing import Unsealer

PARKED_UNKNOWN_KEY: Final = "unknown_sealing_key"
"""Reason of a dead letter: no worker had the key for as long as a task may wait for one that has."""

PARKED_UNKNOWN_VERSION: Final = "unknown_envelope_version"
"""Reason of a dead letter: no worker knew the envelope's version for as long as a task may wait for one that does."""

PARKED_UNKNOWN_FORM: Final = "unknown_record_form"
"""Reason of a dead letter: no worker knew the form of the record for as long as a task may wait for one that does."""

PARKED_UNREADABLE: Final = "sealed_request_unreadable"
"""Reason of a dead letter: the envelope is damaged, or was sealed for another task."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """This worker cannot open the request. Another one, of a newer release or with another key, may be able to."""

    reason: str
    """Why the task becomes a dead letter if no worker can."""


class SealedRequests:
    """Opens sealed requests. Thread-safe; asks no server."""

    def __init__(self, unsealer: Unsealer, ids: IdDeriver) -> None:
        self._unsealer = unsealer
        self._ids = ids

    def customer_id(self, *, task_id: str, fingerprint: str) -> str:
        """The id that the customer of this task has, whichever worker stores it and however often it tries."""
        return self._ids.customer_id(task_id=task_id, fingerprint=fingerprint)

    def open(self, *, task_id: str, customer_id: str, sealed: bytes) -> Row | Elsewhere | Refused:
        """The request as it was sent, or why it cannot be opened here."""
        try:
            body = self._unsealer.unseal(task_id=task_id, envelope=sealed)
        except UnknownSealingKeyError:
            return Elsewhere(PARKED_UNKNOWN_KEY)
        except UnknownEnvelopeVersionError:
            return Elsewhere(PARKED_UNKNOWN_VERSION)
        except UnsealError:
            return Refused(PARKED_UNREADABLE)
        return Row(customer_id, body)
