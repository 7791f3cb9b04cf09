"""Accepting a request: admission, sealing, and the one atomic call that makes the promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from api_shim.intake.promises import call_until_known
from schemas.ids import IdDeriver, new_task_id
from schemas.protocol.steps import accepting
from schemas.protocol.steps.accepting import Accepted, KeyReused, QueueFull, RateLimited

if TYPE_CHECKING:
    from api_shim.broker.redis_calls import RedisCalls
    from schemas.protocol.keys import State
    from schemas.protocol.message import MessageTemplate
    from schemas.sealing import Sealer


@dataclass(frozen=True, slots=True)
class AcceptedTask:
    """The request is accepted, by this call or by an earlier one with the same idempotency key."""

    task_id: str
    state: State
    repeated: bool
    """Whether an earlier call with the same idempotency key made the task."""


Refusal = KeyReused | QueueFull | RateLimited
Admission = AcceptedTask | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionLimits:
    """How much may be accepted."""

    open_tasks: int
    rate_per_second: float
    rate_burst: int
    seconds: float
    """How long one request is tried while Redis does not answer. Redis carries out no try of it after that time."""


class Acceptor:
    """Puts requests on the queue. Once it has returned an `AcceptedTask`, an outcome will follow."""

    def __init__(
        self, calls: RedisCalls, *, sealer: Sealer, ids: IdDeriver, message: MessageTemplate, limits: AdmissionLimits
    ) -> None:
        self._calls = calls
        self._sealer = sealer
        self._ids = ids
        self._message = message
        self._limits = limits

    def task_id(self, *, caller: str, idempotency_key: str | None) -> str:
        """The task id for a request of this caller (the token's subject). The same key gives the same id again."""
        if idempotency_key is None:
            return new_task_id()
        return self._ids.task_id(caller=caller, idempotency_key=idempotency_key)

    async def accept(
        self, task_id: str, body: bytes, *, caller: str, repeatable: bool, waiter: str = "", traceparent: str = ""
    ) -> Admission:
        """Admit, seal and enqueue a request.

        Args:
            task_id: from `task_id`.
            body: the request's JSON, exactly as it came.
            caller: the token's subject.
            repeatable: whether the id comes from an idempotency key.
            waiter: the channel on which a new task's outcome is published as well; empty for none.
            traceparent: where the request's trace goes on; empty where it has none.

        Raises:
            BrokerUnavailableError: Redis did not confirm in time, and carries out no try of this call from now on. Only
                where it carried out a try and every answer was lost, the request is accepted all the same.
        """
        reply = await call_until_known(
            self._calls,
            accepting.accept(
                task_id=task_id,
                fingerprint=self._ids.fingerprint(body),
                sealed=self._sealer.seal(task_id=task_id, body=body),
                caller=caller,
                message=self._message.message(task_id),
                most_open=self._limits.open_tasks,
                rate_per_second=self._limits.rate_per_second,
                rate_burst=self._limits.rate_burst,
                waiter=waiter,
                traceparent=traceparent,
            ),
            seconds=self._limits.seconds,
        )
        if isinstance(reply, Accepted):
            # Nobody else knows a random id. If it is known, an earlier try of this very call made the task.
            return AcceptedTask(task_id, reply.state, repeated=reply.known and repeatable)
        return cast("Refusal", reply)
