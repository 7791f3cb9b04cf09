"""What the tests of a batch's use case share: chunks in a real Redis, and customers in memory."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from passwords.cost import TEST_PROFILE
from passwords.hashing import Argon2Passwords
from schemas.batch.content import ChunkContent, Mode, compressed, pack
from schemas.batch.row_results import unpack_results
from schemas.ids import new_task_id
from schemas.password_hashes.parsing import PLAIN_RULES, HashRules
from schemas.protocol.keys import DEAD_KEY, HELD_KEY
from schemas.protocol.steps.working import Delivery
from schemas.sealing import KeyPair, Sealer, Unsealer, parse_key_ring, parse_public_key
from tests.support.batches import Batches
from tests.support.requests import a_request, as_body
from tests.worker.customer.intake import IDS, PAIR, FatefulCustomers
from worker.customer.checks import Checks
from worker.customer.create_rows import CreateRows
from worker.customer.rules import Rules
from worker.customer.stages import Stages
from worker.dependencies.patience import Patience
from worker.promise.chunk_records import ChunkRecords
from worker.promise.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis
    from pydantic import SecretStr

    from schemas.protocol.steps.batches import BatchSummary
    from worker.metrics import WorkerMetrics


class CountedPasswords(Argon2Passwords):
    """Passwords that count their hashes."""

    def __init__(self) -> None:
        super().__init__(TEST_PROFILE)
        self.hashes = 0
        self.before_each: Callable[[], None] = _nothing

    def hash(self, password: SecretStr) -> str:
        self.before_each()
        self.hashes += 1
        return super().hash(password)


@dataclass
class BatchIntake:
    """Accepts chunks as the shim does and works them as the worker does."""

    client: redis.Redis
    metrics: WorkerMetrics
    customers: FatefulCustomers = field(default_factory=FatefulCustomers)
    passwords: CountedPasswords = field(default_factory=CountedPasswords)
    stopping: threading.Event = field(default_factory=threading.Event)
    hash_rules: HashRules = PLAIN_RULES
    unreadable_wait_seconds: float = 0

    def __post_init__(self) -> None:
        self.batches = Batches(self.client)
        self.records = ChunkRecords(
            self.client,
            IDS,
            result_ttl_seconds=86400,
            lease_seconds=60,
            unreadable_wait_seconds=self.unreadable_wait_seconds,
        )
        patience = Patience(self.stopping, self.metrics)
        self.use_case = CreateRows(
            records=self.records,
            unsealer=Unsealer(parse_key_ring(PAIR.private_line.encode())),
            ids=IDS,
            stages=Stages(
                checks=Checks(IDS, rules=Rules(), minimum_password_characters=0, hash_rules=self.hash_rules),
                customers=self.customers,
                passwords=self.passwords,
                patience=patience,
                metrics=self.metrics,
                hash_concurrency=1,
            ),
            patience=patience,
            turnstile=Turnstile(),
            metrics=self.metrics,
            maximum_starts=5,
            tells_rows=False,
            stopping=self.stopping,
        )

    def accept(
        self,
        batch_id: str,
        *rows: bytes,
        name: str = "a name",
        mode: Mode = Mode.CREATE,
        may_import: bool = False,
        too_long: Sequence[int] = (),
        pair: KeyPair = PAIR,
        sealed: bytes | None = None,
    ) -> str:
        """Accept a chunk of these rows. Returns its id."""
        content = ChunkContent(
            caller="me",
            name=name,
            mode=mode,
            may_import=may_import,
            batch_id=batch_id if mode is Mode.VALIDATE else "",
            rows=rows,
            too_long=tuple(too_long),
            longest_row_bytes=1000,
        )
        packed = pack(content)
        chunk_id = IDS.chunk_id(packed, generation=0)
        if sealed is None:
            sealer = Sealer(*parse_public_key(pair.public_line.encode()))
            sealed = sealer.seal(task_id=chunk_id, body=compressed(packed))
        self.batches.accept(batch_id, chunk_id, rows=len(rows), sealed=sealed)
        return chunk_id

    def run(self, task_id: str) -> str:
        """Work a chunk or a part, as one delivery."""
        delivery = Delivery(task_id, new_task_id())
        ending = self.use_case.run(delivery)
        return self.use_case.run_alone(delivery) if ending == "alone" else ending

    def die_at(self, task_id: str) -> None:
        """Let a worker start the task and die at once."""
        self.records.start(Delivery(task_id, new_task_id()), alone=True)
        self.client.zrem(HELD_KEY, task_id)

    def dead_letter(self) -> str:
        """The id of the one dead letter."""
        found: Any = self.client.zrange(DEAD_KEY, 0, -1)
        (dead,) = found
        return str(dead.decode())

    def results(self, batch_id: str) -> list[dict[str, Any]]:
        """The outcome of each row of a batch, in order."""
        found: list[dict[str, Any]] = []
        for view in self.batches.views(batch_id):
            rows: list[dict[str, Any]] = [{}] * view.rows
            for each in view.ranges:
                if each.results == b"P":
                    rows[each.first : each.end] = [{"ok": False, "error": "internal_error"}] * (each.end - each.first)
                else:
                    rows[each.first : each.end] = map(json.loads, unpack_results(each.results))
            found += rows
        return found

    def outcomes(self, batch_id: str) -> list[str]:
        """The name of each row's outcome, in order."""
        return [_name(each) for each in self.results(batch_id)]

    def summary(self, batch_id: str) -> BatchSummary:
        """The batch after its upload has ended."""
        return self.batches.end(batch_id)


def _nothing() -> None:
    """Is called before each hash, and does nothing."""


def row(number: int, **changes: Any) -> bytes:
    """A row with an email of its own."""
    return as_body(a_request(**{"email": f"row{number}@a.example.com", **changes}))


def _name(outcome: dict[str, Any]) -> str:
    if not outcome:
        return "unfinished"
    if not outcome["ok"]:
        return str(outcome["error"])
    return "valid" if "valid" in outcome else "repeated" if "repeated" in outcome else "created"
