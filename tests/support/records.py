"""Task records in a real Redis, moved by the scripts that both sides use."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.protocol import record_scripts as scripts
from schemas.protocol.keys import (
    DEAD_KEY,
    HELD_KEY,
    OPEN_KEY,
    QUEUE,
    RESENT_KEY,
    SWEEPER_LEASE_KEY,
    SWEEPER_PLACE_KEY,
    Field,
    State,
    rate_key,
    record_key,
    result_key,
)
from schemas.protocol.message import PLACEHOLDER_ID, MessageTemplate, render_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import redis

DAY_MILLISECONDS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Scripts:
    """Every step of the protocol with arguments that a test need not repeat."""

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
        cost_milliseconds: float = 0,
        burst_milliseconds: float = 0,
        waiter: str = "",
        latest_milliseconds: int = 0,
    ) -> Any:
        """ACCEPT."""
        return self._run(
            scripts.ACCEPT,
            [record_key(task_id), OPEN_KEY, QUEUE, rate_key(caller)],
            [
                task_id,
                fingerprint,
                sealed,
                caller,
                self.messages.message(task_id),
                most_open,
                cost_milliseconds,
                burst_milliseconds,
                waiter,
                latest_milliseconds,
            ],
        )

    def read(self, task_id: str) -> Any:
        """READ."""
        return self._run(scripts.READ, [record_key(task_id), result_key(task_id)], [])

    def start(
        self, task_id: str, *, alone: bool = False, delivery: str | None = None, lease_milliseconds: int = 0
    ) -> Any:
        """START by a delivery of its own; its lease runs out at once, as if its worker died."""
        name = secrets.token_hex(4) if delivery is None else delivery
        keys = [record_key(task_id), HELD_KEY]
        return self._run(scripts.START, keys, [task_id, name, lease_milliseconds, int(alone)])

    def start_all(self, task_ids: Iterable[str], *, lease_milliseconds: int) -> None:
        """START of many, each by a delivery of its own."""
        calls = [
            ([record_key(task_id), HELD_KEY], [task_id, secrets.token_hex(4), lease_milliseconds, 0])
            for task_id in task_ids
        ]
        self._run_all(scripts.START, calls)

    def renew(self, *task_ids: str, lease_milliseconds: int, delivery: str = "mine") -> Any:
        """RENEW by one delivery of each task."""
        pairs = [each for task_id in task_ids for each in (task_id, delivery)]
        return self._run(scripts.RENEW, [HELD_KEY], [record_key(""), lease_milliseconds, *pairs])

    def finish(self, task_id: str, result: bytes = b"{}", *, milliseconds: int = DAY_MILLISECONDS) -> str:
        """FINISH."""
        keys = [record_key(task_id), OPEN_KEY, DEAD_KEY, result_key(task_id), HELD_KEY, RESENT_KEY]
        return str(self._run(scripts.FINISH, keys, [task_id, result, milliseconds]))

    def release(self, task_id: str, *, delivery: str = "mine") -> str:
        """RELEASE."""
        keys = [record_key(task_id), HELD_KEY, QUEUE]
        return str(
            self._run(scripts.RELEASE, keys, [task_id, delivery, self.messages.message(task_id), record_key("")])
        )

    def put_back(self, *messages: bytes) -> int:
        """PUT_BACK."""
        return int(self._run(scripts.PUT_BACK, [QUEUE, HELD_KEY], [record_key(""), *messages]))

    def defer(self, task_id: str, *, delivery: str = "mine", patience_milliseconds: int = 60_000) -> str:
        """DEFER."""
        return str(
            self._run(
                scripts.DEFER,
                [record_key(task_id), HELD_KEY, OPEN_KEY, RESENT_KEY],
                [task_id, delivery, patience_milliseconds],
            )
        )

    def park(
        self,
        task_id: str,
        *,
        delivery: str | None = None,
        reason: str = "a_reason",
        detail: str = "",
        result: bytes = b"{}",
    ) -> str:
        """PARK by this delivery; else by the one that holds the task, which is started where nobody has."""
        if delivery is None:
            record = self.record(task_id)
            delivery = record.get("holder", "")
            if record.get("state") in {"PENDING", "RETRY"}:
                delivery = "parking"
                self.start(task_id, alone=True, delivery=delivery)
        keys = [record_key(task_id), OPEN_KEY, DEAD_KEY, result_key(task_id), HELD_KEY, RESENT_KEY]
        return str(self._run(scripts.PARK, keys, [task_id, delivery, reason, detail, result]))

    def requeue(self, task_id: str) -> str:
        """REQUEUE."""
        keys = [record_key(task_id), OPEN_KEY, DEAD_KEY, QUEUE, result_key(task_id), RESENT_KEY]
        return str(self._run(scripts.REQUEUE, keys, [task_id, self.messages.message(task_id)]))

    def drop(self, task_id: str) -> str:
        """DROP."""
        return str(self._run(scripts.DROP, [record_key(task_id), DEAD_KEY, result_key(task_id)], [task_id]))

    def sweep(self, *, grace_milliseconds: int = 1000, most: int = 500, missed_milliseconds: int = 0) -> list[str]:
        """A whole sweep after another that found the same: what they sent again."""
        for _ in range(2):
            if resent := self.sweep_once(
                grace_milliseconds=grace_milliseconds, most=most, missed_milliseconds=missed_milliseconds
            ):
                return resent  # a lease had run out
        return []

    def sweep_once(self, *, grace_milliseconds: int = 1000, most: int = 500, missed_milliseconds: int = 0) -> list[str]:
        """A whole sweep: what it sent again."""
        resent: list[str] = []
        ended = 0
        while not ended:
            ended, looked_at, *page = self.sweep_page(
                grace_milliseconds=grace_milliseconds, most=most, missed_milliseconds=missed_milliseconds
            )
            assert looked_at <= most
            resent += page
        assert ended == 1
        return resent

    def sweep_page(
        self,
        *,
        grace_milliseconds: int = 1000,
        most: int = 500,
        missed_milliseconds: int = 0,
        lease_milliseconds: int = 60_000,
        lease_of: str = "sweeper",
    ) -> Any:
        """One call of SWEEP, by a worker that has the sweeper's lease unless another is named."""
        self.client.set(SWEEPER_LEASE_KEY, lease_of, px=60_000)
        return self._run(
            scripts.SWEEP,
            [OPEN_KEY, QUEUE, HELD_KEY, RESENT_KEY, SWEEPER_LEASE_KEY, SWEEPER_PLACE_KEY],
            [
                record_key(""),
                "sweeper",
                60_000,
                most,
                grace_milliseconds,
                600_000,
                render_message(),
                PLACEHOLDER_ID,
                missed_milliseconds,
                lease_milliseconds,
            ],
        )

    def record(self, task_id: str) -> dict[str, str]:
        """The record as it stands."""
        held: dict[bytes, bytes] = self.client.hgetall(record_key(task_id))  # type: ignore[assignment]
        return {name.decode(): value.decode(errors="replace") for name, value in held.items()}

    def open_ids(self) -> set[str]:
        """Ids of open tasks."""
        return {raw.decode() for raw in self.client.zrange(OPEN_KEY, 0, -1)}  # type: ignore[union-attr]

    def dead_ids(self) -> set[str]:
        """Ids of dead letters."""
        return {raw.decode() for raw in self.client.zrange(DEAD_KEY, 0, -1)}  # type: ignore[union-attr]

    def queued(self) -> list[bytes]:
        """Messages in the queue, the next one first."""
        messages: list[bytes] = self.client.lrange(QUEUE, 0, -1)  # type: ignore[assignment]
        return messages[::-1]

    def accept_all(self, task_ids: Sequence[str]) -> None:
        """ACCEPT of many."""
        self._run_all(
            scripts.ACCEPT,
            [
                (
                    [record_key(task_id), OPEN_KEY, QUEUE, rate_key("me")],
                    [task_id, "fp", b"sealed", "me", self.messages.message(task_id), 0, 0, 0, "", 0],
                )
                for task_id in task_ids
            ],
        )

    def park_all(self, task_ids: Sequence[str]) -> None:
        """What PARK leaves of many, as far as REQUEUE asks for it."""
        with self.client.pipeline(transaction=False) as pipeline:
            for task_id in task_ids:
                pipeline.hset(record_key(task_id), Field.STATE, State.FAILURE)
                pipeline.zadd(DEAD_KEY, {task_id: 1})
                pipeline.zrem(OPEN_KEY, task_id)
            pipeline.execute()

    def requeue_all(self, task_ids: Sequence[str]) -> None:
        """REQUEUE of many."""
        self._run_all(
            scripts.REQUEUE,
            [
                (
                    [record_key(task_id), OPEN_KEY, DEAD_KEY, QUEUE, result_key(task_id), RESENT_KEY],
                    [task_id, self.messages.message(task_id)],
                )
                for task_id in task_ids
            ],
        )

    def send_at(self, task_id: str, milliseconds: int) -> None:
        """Have the task's message been sent then."""
        self.send_all_at({task_id: milliseconds})

    def send_all_at(self, times: Mapping[str, int]) -> None:
        """Have each task's message been sent at its time."""
        with self.client.pipeline(transaction=False) as pipeline:
            for task_id, milliseconds in times.items():
                pipeline.hset(record_key(task_id), Field.SENT_AT, milliseconds)
            pipeline.zadd(OPEN_KEY, dict(times))
            pipeline.execute()

    def age(self, *task_ids: str, milliseconds: int) -> None:
        """Make the tasks as old as if they had been accepted and sent so much earlier."""
        with self.client.pipeline(transaction=False) as pipeline:
            for task_id in task_ids:
                for name in (Field.ACCEPTED_AT, Field.SENT_AT):
                    pipeline.hincrby(record_key(task_id), name, -milliseconds)
                pipeline.zincrby(OPEN_KEY, -milliseconds, task_id)
            pipeline.execute()

    def lose_message(self) -> None:
        """The queue's next message is taken by a process that dies before it starts on it."""
        assert self.client.rpop(QUEUE) is not None

    def _run_all(self, script: str, calls: Iterable[tuple[list[str], list[Any]]]) -> None:
        digest = self.client.script_load(script)
        with self.client.pipeline(transaction=False) as pipeline:
            for keys, arguments in calls:
                pipeline.execute_command("EVALSHA", digest, len(keys), *keys, *arguments)
            pipeline.execute()

    def _run(self, script: str, keys: list[str], args: list[Any]) -> Any:
        return _decoded(self.client.register_script(script)(keys=keys, args=args))


def _decoded(reply: Any) -> Any:
    if isinstance(reply, bytes):
        return reply.decode(errors="replace")
    return [_decoded(one) for one in reply] if isinstance(reply, list) else reply
