"""Task records in a real Redis. The same steps move them as in shim and worker."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from schemas.events import EventType, OutcomeEvent
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY, QUEUE, SWEEPER_LEASE_KEY, Field, State, record_key
from schemas.protocol.message import PLACEHOLDER_ID, MessageTemplate, render_message
from schemas.protocol.steps import accepting, ending, operating, overseeing, sweeping, working
from schemas.protocol.steps.sweeping import Swept
from schemas.protocol.steps.working import Delivery, Started
from startup.broker.calls import send

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import redis

    from schemas.protocol.call import Call
    from schemas.protocol.overview import Overview
    from schemas.protocol.steps.accepting import AcceptReply, Found
    from schemas.protocol.steps.sweeping import AnotherSweeps
    from schemas.protocol.steps.working import NotStarted

Reply = TypeVar("Reply")

DAY_MILLISECONDS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Scripts:
    """Every step of the protocol, with defaults for arguments that a test need not repeat."""

    client: redis.Redis
    messages: MessageTemplate = field(default_factory=MessageTemplate)

    def accept(
        self,
        task_id: str,
        *,
        fingerprint: str = "fp",
        sealed: bytes = b"sealed",
        caller: str = "me",
        most_open: int = 0,
        rate_per_second: float = 0,
        rate_burst: int = 0,
        waiter: str = "",
        latest_milliseconds: int = 0,
    ) -> AcceptReply:
        """ACCEPT."""
        call = accepting.accept(
            task_id=task_id,
            fingerprint=fingerprint,
            sealed=sealed,
            caller=caller,
            message=self.messages.message(task_id),
            most_open=most_open,
            rate_per_second=rate_per_second,
            rate_burst=rate_burst,
            waiter=waiter,
        )
        return self.run(call.with_deadline(latest_milliseconds))

    def read(self, task_id: str) -> Found | None:
        """READ."""
        return self.run(accepting.read(task_id))

    def found(self, task_id: str) -> tuple[str, State, bytes | None]:
        """READ: the caller, the state and the result."""
        found = self.read(task_id)
        assert found is not None
        return found.caller, found.state, found.result

    def overview(self) -> Overview:
        """READ_OVERVIEW with all that it tells."""
        return self.run(overseeing.read_overview(batches=100, processes=True))

    def start(
        self, task_id: str, *, alone: bool = False, delivery: str | None = None, lease_milliseconds: int = 0
    ) -> Started | NotStarted:
        """START by a new delivery. Its lease runs out at once, as if its worker died."""
        return self.run(_start(task_id, alone=alone, delivery=delivery, lease_milliseconds=lease_milliseconds))

    def started(
        self, task_id: str, *, alone: bool = False, delivery: str | None = None, lease_milliseconds: int = 0
    ) -> Started:
        """START that starts the task."""
        reply = self.start(task_id, alone=alone, delivery=delivery, lease_milliseconds=lease_milliseconds)
        assert isinstance(reply, Started)
        return reply

    def start_all(self, task_ids: Iterable[str], *, lease_milliseconds: int) -> None:
        """START of many tasks, each by a new delivery."""
        self.run_all([_start(task_id, lease_milliseconds=lease_milliseconds) for task_id in task_ids])

    def renew(self, *task_ids: str, lease_milliseconds: int, delivery: str = "mine") -> int:
        """RENEW by one delivery of each task."""
        deliveries = [Delivery(task_id, delivery) for task_id in task_ids]
        return self.run(working.renew(deliveries, lease_seconds=lease_milliseconds / 1000))

    def finish(
        self,
        task_id: str,
        result: bytes = b"{}",
        *,
        outcome: str = "created",
        milliseconds: int = DAY_MILLISECONDS,
    ) -> str:
        """FINISH."""
        event = OutcomeEvent(EventType.CREATED, b"{}")
        return self.run(
            ending.finish(task_id, result, event=event, outcome=outcome, lifetime_seconds=milliseconds / 1000)
        )

    def release(self, task_id: str, *, delivery: str = "mine") -> str:
        """RELEASE."""
        return self.run(ending.release(Delivery(task_id, delivery), message=self.messages.message(task_id)))

    def put_back(self, *messages: bytes) -> int:
        """PUT_BACK."""
        return self.run(ending.put_back(messages))

    def defer(self, task_id: str, *, delivery: str = "mine", patience_milliseconds: int = 60_000) -> str:
        """DEFER."""
        return self.run(ending.defer(Delivery(task_id, delivery), patience_seconds=patience_milliseconds / 1000))

    def park(
        self,
        task_id: str,
        *,
        delivery: str | None = None,
        reason: str = "a_reason",
        detail: str = "",
        result: bytes = b"{}",
    ) -> str:
        """PARK by this delivery. Without one: by the delivery that holds the task, or by a new one that starts it."""
        if delivery is None:
            record = self.record(task_id)
            delivery = record.get("holder", "")
            if record.get("state") in {"PENDING", "RETRY"}:
                delivery = "parking"
                self.start(task_id, alone=True, delivery=delivery)
        return self.run(ending.park(Delivery(task_id, delivery), reason=reason, detail=detail, result=result))

    def requeue(self, task_id: str) -> str:
        """REQUEUE."""
        return self.run(operating.requeue(task_id, message=self.messages.message(task_id)))

    def drop(self, task_id: str) -> str:
        """DROP."""
        return self.run(operating.drop(task_id))

    def sweep(self, *, grace_milliseconds: int = 1000, most: int = 500, missed_milliseconds: int = 0) -> list[str]:
        """Two whole sweeps, one after the other. Returns the ids that they sent again."""
        for _ in range(2):
            if resent := self.sweep_once(
                grace_milliseconds=grace_milliseconds, most=most, missed_milliseconds=missed_milliseconds
            ):
                return resent  # A lease had run out.
        return []

    def sweep_once(self, *, grace_milliseconds: int = 1000, most: int = 500, missed_milliseconds: int = 0) -> list[str]:
        """A whole sweep. Returns the ids that it sent again."""
        resent: list[str] = []
        at_end = False
        while not at_end:
            swept = self.sweep_page(
                grace_milliseconds=grace_milliseconds, most=most, missed_milliseconds=missed_milliseconds
            )
            assert isinstance(swept, Swept)
            assert swept.looked_at <= most
            resent += swept.resent
            at_end = swept.at_end
        return resent

    def sweep_page(
        self,
        *,
        grace_milliseconds: int = 1000,
        most: int = 500,
        missed_milliseconds: int = 0,
        lease_milliseconds: int = 60_000,
        lease_of: str = "sweeper",
    ) -> Swept | AnotherSweeps:
        """One call of SWEEP. The worker has the sweeper's lease, unless another worker is named."""
        self.client.set(SWEEPER_LEASE_KEY, lease_of, px=60_000)
        return self.run(
            sweeping.sweep(
                "sweeper",
                sweeper_lease_seconds=60,
                most=most,
                grace_seconds=grace_milliseconds / 1000,
                longest_gap_seconds=600,
                message=render_message(),
                placeholder=PLACEHOLDER_ID,
                missed_seconds=missed_milliseconds / 1000,
                task_lease_seconds=lease_milliseconds / 1000,
            )
        )

    def record(self, task_id: str) -> dict[str, str]:
        """The record as it is stored."""
        record: dict[bytes, bytes] = self.client.hgetall(record_key(task_id))  # type: ignore[assignment]
        return {name.decode(): value.decode(errors="replace") for name, value in record.items()}

    def open_ids(self) -> set[str]:
        """The ids of open tasks."""
        return {raw.decode() for raw in self.client.zrange(OPEN_KEY, 0, -1)}  # type: ignore[union-attr]

    def dead_ids(self) -> set[str]:
        """The ids of dead letters."""
        return {raw.decode() for raw in self.client.zrange(DEAD_KEY, 0, -1)}  # type: ignore[union-attr]

    def queued(self) -> list[bytes]:
        """The messages in the queue, the next one first."""
        messages: list[bytes] = self.client.lrange(QUEUE, 0, -1)  # type: ignore[assignment]
        return messages[::-1]

    def accept_all(self, task_ids: Sequence[str]) -> None:
        """ACCEPT of many tasks."""
        self.run_all(
            [
                accepting.accept(
                    task_id=task_id,
                    fingerprint="fp",
                    sealed=b"sealed",
                    caller="me",
                    message=self.messages.message(task_id),
                    most_open=0,
                    rate_per_second=0,
                    rate_burst=0,
                ).with_deadline(0)
                for task_id in task_ids
            ]
        )

    def park_all(self, task_ids: Sequence[str]) -> None:
        """Write what PARK writes for many tasks, as far as REQUEUE reads it."""
        with self.client.pipeline(transaction=False) as pipeline:
            for task_id in task_ids:
                pipeline.hset(record_key(task_id), Field.STATE, State.FAILURE)
                pipeline.zadd(DEAD_KEY, {task_id: 1})
                pipeline.zrem(OPEN_KEY, task_id)
            pipeline.execute()

    def requeue_all(self, task_ids: Sequence[str]) -> None:
        """REQUEUE of many tasks."""
        self.run_all([operating.requeue(task_id, message=self.messages.message(task_id)) for task_id in task_ids])

    def send_at(self, task_id: str, milliseconds: int) -> None:
        """Let the task's record say that its message was sent at this time."""
        self.send_all_at({task_id: milliseconds})

    def send_all_at(self, times: Mapping[str, int]) -> None:
        """Let the record of each task say that its message was sent at the task's time."""
        with self.client.pipeline(transaction=False) as pipeline:
            for task_id, milliseconds in times.items():
                pipeline.hset(record_key(task_id), Field.SENT_AT, milliseconds)
            pipeline.zadd(OPEN_KEY, dict(times))
            pipeline.execute()

    def age(self, *task_ids: str, milliseconds: int) -> None:
        """Make the tasks older, as if they had been accepted and sent this much earlier."""
        with self.client.pipeline(transaction=False) as pipeline:
            for task_id in task_ids:
                for name in (Field.ACCEPTED_AT, Field.SENT_AT):
                    pipeline.hincrby(record_key(task_id), name, -milliseconds)
                pipeline.zincrby(OPEN_KEY, -milliseconds, task_id)
            pipeline.execute()

    def lose_message(self) -> None:
        """Take the next message off the queue, as a process does that dies before it starts the task."""
        assert self.client.rpop(QUEUE) is not None

    def run_all(self, calls: Sequence[Call[Reply]]) -> list[Reply]:
        """Make these calls. Returns the replies, and raises an error that Redis replies."""
        replies = send(self.client, calls)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return [call.read(reply) for call, reply in zip(calls, replies, strict=True)]

    def run(self, call: Call[Reply]) -> Reply:
        """Make this call. Returns the reply, and raises an error that Redis replies."""
        (reply,) = self.run_all([call])
        return reply


def _start(
    task_id: str, *, alone: bool = False, delivery: str | None = None, lease_milliseconds: int
) -> Call[Started | NotStarted]:
    name = secrets.token_hex(4) if delivery is None else delivery
    return working.start(Delivery(task_id, name), lease_seconds=lease_milliseconds / 1000, alone=alone)
