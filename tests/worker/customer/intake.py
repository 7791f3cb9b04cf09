"""What the tests of the use case share: tasks in a real Redis, and customers in memory."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretBytes

from passwords.cost import TEST_PROFILE
from passwords.hashing import Argon2Passwords
from schemas.ids import IdDeriver, new_task_id
from schemas.protocol.keys import Field, record_key, result_key
from schemas.protocol.message import MessageTemplate
from schemas.protocol.steps.working import Delivery, NotStarted
from schemas.sealing import KeyPair, Sealer, Unsealer, generate_key_pair, parse_key_ring, parse_public_key
from tests.support.in_memory_customers import InMemoryCustomers
from tests.support.records import Scripts
from tests.support.requests import as_body
from worker.customer.checks import Checks
from worker.customer.create_customer import CreateCustomer
from worker.customer.rules import Rules
from worker.customer.sealed_requests import SealedRequests
from worker.customer.stages import Stages
from worker.dependencies.errors import TransientError
from worker.dependencies.patience import Patience
from worker.promise.records import RedisRecords
from worker.promise.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from schemas.customer import StoredCustomer
    from worker.customer.customers import Added, EmailTaken, Known, NotStored
    from worker.metrics import WorkerMetrics

PAIR = generate_key_pair()
IDS = IdDeriver(SecretBytes(b"k" * 32))


class BrokenBetweenInsertAndFinish(BaseException):
    """Stands for a process that dies after the insert and before FINISH."""


class FatefulCustomers(InMemoryCustomers):
    """Customers that die once right after an insert, or are away for some calls. They count the look-ups."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.dies_after_insert = False
        self.away_for = 0

    def add(self, customer: StoredCustomer) -> Added | EmailTaken | NotStored:
        if self.away_for:
            self.away_for -= 1
            raise TransientError("database")
        added = super().add(customer)
        if self.dies_after_insert:
            self.dies_after_insert = False
            raise BrokenBetweenInsertAndFinish
        return added

    def find_all(self, *, ids: Sequence[str], email_keys: Sequence[str] = ()) -> Known:
        self.looks += 1
        return super().find_all(ids=ids, email_keys=email_keys)


@dataclass
class Intake:
    """Accepts tasks as the shim does and works them as the worker does."""

    client: redis.Redis
    metrics: WorkerMetrics
    customers: FatefulCustomers = field(default_factory=FatefulCustomers)
    stopping: threading.Event = field(default_factory=threading.Event)
    minimum_password_characters: int = 0
    unreadable_wait_seconds: float = 0

    def __post_init__(self) -> None:
        self.scripts = Scripts(self.client)

    def accept(self, body: bytes, *, pair: KeyPair = PAIR, sealed_for: str | None = None) -> str:
        task_id = new_task_id()
        sealer = Sealer(*parse_public_key(pair.public_line.encode()))
        sealed = sealer.seal(task_id=sealed_for or task_id, body=body)
        self.scripts.accept(task_id, fingerprint=IDS.fingerprint(body), sealed=sealed)
        return task_id

    def use_case(self) -> CreateCustomer:
        patience = Patience(self.stopping, self.metrics)
        return CreateCustomer(
            records=RedisRecords(
                self.client,
                MessageTemplate(),
                result_ttl_seconds=86400,
                lease_seconds=0,
                unreadable_wait_seconds=self.unreadable_wait_seconds,
            ),
            requests=SealedRequests(Unsealer(parse_key_ring(PAIR.private_line.encode())), IDS),
            stages=Stages(
                checks=Checks(IDS, rules=Rules(), minimum_password_characters=self.minimum_password_characters),
                customers=self.customers,
                passwords=Argon2Passwords(TEST_PROFILE),
                patience=patience,
                metrics=self.metrics,
                hash_concurrency=2,
            ),
            patience=patience,
            turnstile=Turnstile(),
            metrics=self.metrics,
            maximum_starts=5,
        )

    def run(self, *task_ids: str) -> list[str]:
        """Work a group, and what must be worked alone after it, as the worker does."""
        use_case = self.use_case()
        deliveries = [Delivery(task_id, secrets.token_hex(4)) for task_id in task_ids]
        endings = use_case.run(deliveries)
        return [
            use_case.run_alone(delivery) if ending == NotStarted.ALONE else ending
            for delivery, ending in zip(deliveries, endings, strict=True)
        ]

    def run_one(self, task_id: str) -> str:
        (ending,) = self.run(task_id)
        return ending

    def outcome(self, task_id: str) -> dict[str, Any]:
        """The outcome that a client reads."""
        raw = self.client.get(result_key(task_id))
        assert isinstance(raw, bytes)
        result: dict[str, Any] = json.loads(raw)
        assert result["task_id"] == task_id
        assert result["status"] == "SUCCESS"
        outcome: dict[str, Any] = result["result"]
        return outcome

    def answer(self, document: object) -> dict[str, Any]:
        """Accept a request and work it. Returns its outcome."""
        task_id = self.accept(as_body(document))
        self.run_one(task_id)
        return self.outcome(task_id)


def damage(intake: Intake, task_id: str, place: int) -> None:
    sealed = intake.client.hget(record_key(task_id), Field.SEALED)
    assert isinstance(sealed, bytes)
    changed = bytearray(sealed)
    changed[place] ^= 2
    intake.client.hset(record_key(task_id), Field.SEALED, bytes(changed))
