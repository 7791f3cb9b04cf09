"""Reading outcomes, and waiting for them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from api_shim.redis_calls import BrokerUnavailableError, RedisCalls, script
from schemas import record_scripts
from schemas.ids import is_task_id
from schemas.task_record import State, record_key, result_key

if TYPE_CHECKING:
    from api_shim.subscription import Listener, OutcomeSubscription
    from schemas.outcome import CeleryResult

_READ: Final = script(record_scripts.READ)

_READ_AGAIN_SECONDS: Final = 5.0
"""A publication can be missed (Redis keeps none): a waiting call looks for itself as often as this."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """There is no outcome yet."""

    state: State


@dataclass(frozen=True, slots=True)
class Finished:
    """The documented response."""

    response: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The task waits for an operator."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such task, it has expired, or it is another caller's."""


Reading = Unfinished | Finished | DeadLetter | NotFound


class Results:
    """Reads task records on behalf of a caller."""

    def __init__(self, calls: RedisCalls, subscription: OutcomeSubscription) -> None:
        self._calls = calls
        self._subscription = subscription

    async def read(self, task_id: str, *, caller: str) -> Reading:
        """What is known of the task now.

        Raises:
            BrokerUnavailableError: Redis cannot be asked.
        """
        if not is_task_id(task_id):
            return NotFound()
        held_by, state, result = await self._calls.run(_READ, [record_key(task_id), result_key(task_id)], [])
        if held_by is None or held_by.decode() != caller:
            return NotFound()
        if state == b"FAILURE":
            return DeadLetter()
        if result is not None:
            return _reading_of(result)
        if state == b"SUCCESS":
            return NotFound()  # the outcome has expired
        return Unfinished(State(state.decode()))

    def expect(self, task_id: str) -> Listener:
        """Listen for the outcome of a task that is about to be accepted with the listener's channel; close it."""
        return self._subscription.expect(task_id)

    async def wait(self, task_id: str, *, caller: str, seconds: float, expected: Listener | None = None) -> Reading:
        """What is known of the task when it has ended, the seconds are over, or the shim shuts down.

        Args:
            task_id: as the caller has it.
            caller: the token's subject.
            seconds: how long to wait.
            expected: from `expect`, where the task was accepted with its channel just now, for this caller.

        Raises:
            BrokerUnavailableError: Redis could not be asked even once.
        """
        deadline = time.monotonic() + seconds
        if expected is not None and expected.channel:
            return await self._hear(expected, Unfinished(State.PENDING), task_id, caller=caller, deadline=deadline)
        # Subscribe, then read, then wait: an outcome that comes after the read is then always heard of.
        async with self._subscription.listen(task_id) as listener:
            reading = await self.read(task_id, caller=caller)
            return await self._hear(listener, reading, task_id, caller=caller, deadline=deadline)

    async def _hear(
        self, listener: Listener, reading: Reading, task_id: str, *, caller: str, deadline: float
    ) -> Reading:
        while isinstance(reading, Unfinished):
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not listener.worth_waiting:
                return reading
            published = await listener.wait(min(remaining, _READ_AGAIN_SECONDS))
            if published is not None:
                # What FINISH and PARK publish is what they store; that the caller may see it is known by now.
                return _reading_of(published)
            with suppress(BrokerUnavailableError):
                reading = await self.read(task_id, caller=caller)
        return reading


def _reading_of(result: bytes) -> Finished | DeadLetter:
    document: CeleryResult = json.loads(result)
    return Finished(document["result"]) if document["status"] == "SUCCESS" else DeadLetter()
