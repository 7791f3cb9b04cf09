"""Reading the outcomes of tasks on behalf of callers, and waiting for them."""

from __future__ import annotations

import json
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.intake.leaving import Leaving
from schemas.ids import is_task_id
from schemas.protocol.keys import State
from schemas.protocol.steps import accepting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from api_shim.broker.absence import Absence
    from api_shim.broker.overviews import Overviews
    from api_shim.intake.leaving import UntilLeft
    from api_shim.intake.listener import Listener
    from api_shim.intake.subscription import OutcomeSubscription
    from schemas.outcome import CeleryResult

_READ_AGAIN_SECONDS: Final = 5.0
"""How often a waiting call reads the record by itself. A publication can be missed, since Redis stores none."""

_UNWATCHED_SECONDS: Final = 0.5
"""After how long a waiting call begins to watch whether its client leaves. Most outcomes come before."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """There is no outcome yet."""

    state: State
    accepted_at_milliseconds: int | None = None
    """In Unix milliseconds; None where the record was not read."""
    seconds_left: float | None = None
    """How long it takes still, by the rate of the last minute; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The task has ended with an outcome that the caller may see."""

    response: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The work failed, and the task waits for an operator."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such task, it has expired, or it is another caller's."""


Reading = Unfinished | Finished | DeadLetter | NotFound


class Results:
    """Reads task records on behalf of a caller."""

    def __init__(self, subscription: OutcomeSubscription, absence: Absence, overviews: Overviews) -> None:
        self._overviews = overviews
        self._subscription = subscription
        self._absence = absence

    async def read(self, task_id: str, *, caller: str) -> Reading:
        """What is known of the task now, without waiting.

        Raises:
            BrokerUnavailableError: Redis cannot be asked, or may have been replaced.
        """
        if not is_task_id(task_id):
            return NotFound()
        task = await self._absence.read(accepting.read(task_id), misses=lambda found: found is None)
        if task is None or task.caller != caller:
            return NotFound()
        if task.state is State.FAILURE:
            return DeadLetter()
        if task.result is not None:
            return _reading_of(task.result)
        if task.state is State.SUCCESS:
            return NotFound()  # the outcome has expired
        return Unfinished(task.state, task.accepted_at_milliseconds, self._overviews.seconds_left(task.before))

    def expect(self, task_id: str) -> Listener:
        """Listen for the outcome of a task that is about to be accepted with the listener's channel.

        The caller closes the listener.
        """
        return self._subscription.expect(task_id)

    async def hear(self, expected: Listener, *, caller: str, seconds: float, until_left: UntilLeft) -> Reading:
        """Wait for the outcome of a task that was accepted just now, for this caller, with the listener's channel.

        Nothing is read from Redis first, since the task can have no outcome that the listener did not hear.
        """
        again = partial(self.read, expected.task_id, caller=caller)
        return await _hear(expected, Unfinished(State.PENDING), again, time.monotonic() + seconds, until_left)

    async def read_or_wait(self, task_id: str, *, caller: str, seconds: float, until_left: UntilLeft) -> Reading:
        """What is known of the task when it has ended, the seconds are over, or the shim shuts down.

        Args:
            task_id: the id as the caller sent it.
            caller: the token's subject.
            seconds: how long to wait; with 0 the task is read once.
            until_left: raises when the client has left; the wait then ends with the same exception.

        Raises:
            BrokerUnavailableError: Redis could not be asked even once.
        """
        # An id that is none must not become the name of a channel.
        if not seconds or not is_task_id(task_id):
            return await self.read(task_id, caller=caller)
        deadline = time.monotonic() + seconds
        again = partial(self.read, task_id, caller=caller)
        # Subscribe, then read, then wait: an outcome that comes after the read is then always heard of.
        async with self._subscription.listen(task_id) as listener:
            return await _hear(listener, await again(), again, deadline, until_left)


async def _hear(
    listener: Listener,
    reading: Reading,
    again: Callable[[], Awaitable[Reading]],
    deadline: float,
    until_left: UntilLeft,
) -> Reading:
    with closing(Leaving(until_left, listener.wake)) as leaving:
        while isinstance(reading, Unfinished):
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not listener.worth_waiting:
                return reading
            pause = _READ_AGAIN_SECONDS if leaving.is_watched else _UNWATCHED_SECONDS
            published = await listener.wait(min(remaining, pause))
            if published is not None:
                # What FINISH and PARK publish is what they store; that the caller may see it is known by now.
                return _reading_of(published)
            leaving.look()
            with suppress(BrokerUnavailableError):
                reading = await again()
        return reading


def _reading_of(result: bytes) -> Finished | DeadLetter:
    document: CeleryResult = json.loads(result)
    return Finished(document["result"]) if document["status"] == "SUCCESS" else DeadLetter()
