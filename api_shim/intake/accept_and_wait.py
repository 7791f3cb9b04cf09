"""The create call as one: accept a request and, where the client wishes it, wait for the outcome."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.intake.accept import AcceptedTask
from api_shim.intake.results import DeadLetter, Finished, NotFound, Unfinished
from schemas.protocol.keys import State
from schemas.protocol.steps.accepting import KeyReused, QueueFull, RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_shim.intake.accept import Acceptor
    from api_shim.intake.leaving import UntilLeft
    from api_shim.intake.listener import Listener
    from api_shim.intake.results import Reading, Results


@dataclass(frozen=True, slots=True)
class FinishedInTime:
    """The request was accepted, and its outcome came before the wait was over."""

    response: dict[str, Any]
    """The documented response."""


AcceptedOrNot = AcceptedTask | FinishedInTime | KeyReused | QueueFull | RateLimited


@dataclass(frozen=True, slots=True)
class AcceptAndWait:
    """Accepts requests and waits for their outcomes."""

    acceptor: Acceptor
    results: Results

    async def __call__(
        self,
        body: bytes,
        *,
        caller: str,
        idempotency_key: str | None,
        wait_seconds: float,
        until_left: UntilLeft,
        on_accepted: Callable[[AcceptedTask], None],
        traceparent: str = "",
    ) -> AcceptedOrNot:
        """Accept a request, then wait.

        Args:
            body: the request's JSON, exactly as it came.
            caller: the token's subject.
            idempotency_key: makes a repeat by the same caller the same task; None where the client sent none.
            wait_seconds: how long to wait for the outcome after the request was accepted; 0 for not at all.
            until_left: raises when the client has left; the wait then ends with the same exception.
            on_accepted: called as soon as the request is accepted, and so before the wait.
            traceparent: where the request's trace goes on; empty where it has none.

        Returns:
            Why the request was refused; the outcome's response, where it came in time; else the task with its state as
            it was last known: `FAILURE` where it became a dead letter.

        Raises:
            BrokerUnavailableError: as `Acceptor.accept`. Once the request is accepted, a Redis that cannot be asked is
                no error any more.
        """
        task_id = self.acceptor.task_id(caller=caller, idempotency_key=idempotency_key)
        if not wait_seconds:
            admission = await self.acceptor.accept(
                task_id, body, caller=caller, repeatable=idempotency_key is not None, traceparent=traceparent
            )
            if isinstance(admission, AcceptedTask):
                on_accepted(admission)
            return admission
        # The listener is there before the task is, so it hears the outcome without a look at the record.
        with closing(self.results.expect(task_id)) as expected:
            admission = await self.acceptor.accept(
                task_id,
                body,
                caller=caller,
                repeatable=idempotency_key is not None,
                waiter=expected.channel,
                traceparent=traceparent,
            )
            if not isinstance(admission, AcceptedTask):
                return admission
            on_accepted(admission)
            try:
                reading = await self._wait(
                    admission, expected, caller=caller, seconds=wait_seconds, until_left=until_left
                )
            except BrokerUnavailableError:
                return admission
        return _outcome(admission, reading)

    async def _wait(
        self, task: AcceptedTask, expected: Listener, *, caller: str, seconds: float, until_left: UntilLeft
    ) -> Reading:
        if expected.channel and not task.repeated:
            return await self.results.hear(expected, caller=caller, seconds=seconds, until_left=until_left)
        # The record names the channel of an earlier call, or none. So this call subscribes to the task, as a result
        # call does, and counts as one waiting call only.
        expected.close()
        return await self.results.read_or_wait(task.task_id, caller=caller, seconds=seconds, until_left=until_left)


def _outcome(task: AcceptedTask, reading: Reading) -> AcceptedTask | FinishedInTime:
    match reading:
        case Finished(response):
            return FinishedInTime(response)
        case Unfinished(state):
            return replace(task, state=state)
        case DeadLetter():
            return replace(task, state=State.FAILURE)
        case NotFound():
            return task
