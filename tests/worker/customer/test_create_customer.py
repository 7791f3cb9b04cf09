"""The use case, with task records in a real Redis and customers in memory: one accepted task, one outcome."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from pydantic import SecretBytes

from schemas.customer import StoredCustomer
from schemas.ids import IdDeriver, new_task_id
from schemas.protocol.keys import Field, Started, record_key, result_key
from schemas.protocol.message import MessageTemplate
from schemas.sealing import KeyPair, Sealer, Unsealer, generate_key_pair, parse_key_ring, parse_public_key
from tests.support.in_memory_customers import InMemoryCustomers
from tests.support.records import Scripts
from tests.support.requests import CANARY, a_full_address, a_full_request, a_request, an_address, as_body
from worker.customer.checks import Checks
from worker.customer.create_customer import CreateCustomer
from worker.customer.passwords import TEST_PROFILE, Argon2Passwords
from worker.customer.repeats import LOOK_AHEAD
from worker.customer.rules import Rules
from worker.customer.sealed_requests import SealedRequests
from worker.customer.stages import Stages
from worker.dependencies.patience import GiveBackError, Patience, TransientError
from worker.promise.records import Delivery, RedisRecords
from worker.promise.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis
    from pydantic import SecretStr

    from worker.customer.customers import Added, EmailTaken, Known, NotStored
    from worker.metrics import WorkerMetrics

PAIR = generate_key_pair()
IDS = IdDeriver(SecretBytes(b"k" * 32))


class BrokenBetweenInsertAndFinish(BaseException):
    """The process dies here."""


class FatefulCustomers(InMemoryCustomers):
    """Dies once right after an insert, or is away for some calls; counts how often it was asked what is there."""

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


def a_stored_customer(*, email_key: str) -> StoredCustomer:
    return StoredCustomer(
        id="another",
        email=email_key,
        email_key=email_key,
        password_hash="$argon2id$",
        firstName="A",
        lastName="B",
        status="ACTIVE",
        tags=[],
        addresses=[],
        created_at=datetime.now(UTC),
    )


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
        words = use_case.run(deliveries)
        return [
            use_case.run_alone(delivery) if word == Started.ALONE else word
            for delivery, word in zip(deliveries, words, strict=True)
        ]

    def run_one(self, task_id: str) -> str:
        (word,) = self.run(task_id)
        return word

    def outcome(self, task_id: str) -> dict[str, Any]:
        """What a client reads."""
        raw = self.client.get(result_key(task_id))
        assert isinstance(raw, bytes)
        result: dict[str, Any] = json.loads(raw)
        assert result["task_id"] == task_id
        assert result["status"] == "SUCCESS"
        outcome: dict[str, Any] = result["result"]
        return outcome

    def answer(self, document: object) -> dict[str, Any]:
        """Accept, work, read."""
        task_id = self.accept(as_body(document))
        self.run_one(task_id)
        return self.outcome(task_id)


def everything_in(client: redis.Redis) -> list[Any]:
    """All keys with what they hold."""
    reads: dict[Any, Callable[[Any], Any]] = {
        b"hash": client.hgetall,
        b"string": client.get,
        b"list": partial(client.lrange, start=0, end=-1),
    }
    return [(key, reads.get(client.type(key), client.dump)(key)) for key in client.scan_iter()]


@pytest.fixture
def intake(redis_client: redis.Redis, metrics: WorkerMetrics) -> Intake:
    return Intake(redis_client, metrics)


# The customer


def test_a_customer_is_created_and_answered_as_it_was_sent_with_ids(intake: Intake) -> None:
    answer = intake.answer(a_full_request(addresses=[a_full_address(), an_address(address_2=["", "x"])]))
    assert answer["ok"] is True
    customer = answer["customer"]
    assert len(customer.pop("id")) == 17
    assert [len(address.pop("id")) for address in customer["addresses"]] == [11, 11]
    sent = a_full_request(addresses=[a_full_address(), an_address(address_2=["", "x"])])
    del sent["password"]
    assert customer == sent


def test_what_was_not_sent_has_the_documented_defaults(intake: Intake) -> None:
    customer = intake.answer(a_request())["customer"]
    assert (customer["status"], customer["tags"], customer["addresses"]) == ("ACTIVE", [], [])


def test_the_stored_password_is_a_hash_of_exactly_what_was_sent(intake: Intake) -> None:
    intake.answer(a_request(password=" pass 😀\u0301 "))
    (stored,) = intake.customers.all()
    assert stored["password_hash"].startswith("$argon2id$")
    assert PasswordHasher().verify(stored["password_hash"], " pass 😀\u0301 ")


def test_the_password_is_readable_nowhere(intake: Intake, capfd: pytest.CaptureFixture[str]) -> None:
    created, refused = intake.accept(as_body(a_request())), intake.accept(as_body(a_request(status=1)))
    shown = repr(everything_in(intake.client))
    intake.run_one(created)
    intake.run_one(refused)
    shown += repr(everything_in(intake.client))
    assert created in shown
    assert CANARY not in shown
    assert CANARY not in repr(intake.customers.all())
    assert CANARY not in "".join(capfd.readouterr())


# The documented errors, in their order


def test_a_request_without_the_documented_form_gets_every_fault(intake: Intake) -> None:
    assert intake.answer({"email": "a@b.example", "password": "x", "lastName": 1}) == {
        "ok": False,
        "error": "validation_error",
        "data": {
            "errors": [
                {"field": "firstName", "message": "Field required"},
                {"field": "lastName", "message": "Input should be a valid string"},
            ]
        },
    }


def test_an_invalid_email_is_an_outcome(intake: Intake) -> None:
    assert intake.answer(a_request(email="nobody@")) == {
        "ok": False,
        "error": "customer_invalid_email",
        "data": {"email": "nobody@"},
    }


def test_a_wrong_country_in_the_second_of_two_addresses_stores_nothing(intake: Intake) -> None:
    assert intake.answer(a_request(addresses=[an_address(), an_address(country="UK")])) == {
        "ok": False,
        "error": "address_contry_invalid",
        "data": {"address": "UK", "field": "addresses.1.country"},
    }
    assert intake.customers.all() == []


def test_an_email_that_another_customer_has_in_any_case_is_an_outcome(intake: Intake) -> None:
    first = intake.answer(a_request())
    assert intake.answer(a_request(email="JOHN.DOE@EXAMPLE.COM", firstName="Jane")) == {
        "ok": False,
        "error": "duplicate_key",
        "data": {"index": "email", "key": {"email": "JOHN.DOE@example.com"}},
    }
    assert [customer["id"] for customer in intake.customers.all()] == [first["customer"]["id"]]


def test_where_several_errors_hold_the_first_in_the_documented_order_is_the_outcome(intake: Intake) -> None:
    intake.answer(a_request())
    document = a_request(tags=1, addresses=[an_address(country="UK")])
    assert intake.answer(document | {"email": "nobody"})["error"] == "validation_error"
    document["tags"] = []
    assert intake.answer(document | {"email": "nobody"})["error"] == "customer_invalid_email"
    assert intake.answer(document)["error"] == "address_contry_invalid"
    document["addresses"] = [an_address()]
    assert intake.answer(document)["error"] == "duplicate_key"


def test_a_password_below_the_set_minimum_is_a_validation_error_that_does_not_repeat_it(intake: Intake) -> None:
    intake.minimum_password_characters = len(CANARY) + 1
    answer = intake.answer(a_request())
    assert (answer["error"], answer["data"]["errors"][0]["field"]) == ("validation_error", "password")
    assert CANARY not in repr(answer)
    intake.minimum_password_characters = len(CANARY)
    assert intake.answer(a_request())["ok"] is True


# Deliveries


def test_a_delivery_after_the_outcome_does_nothing(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    assert intake.run_one(task_id) == "created"
    before = (intake.outcome(task_id), intake.scripts.record(task_id), intake.customers.all())
    assert intake.run_one(task_id) == "finished"
    assert (intake.outcome(task_id), intake.scripts.record(task_id), intake.customers.all()) == before


def test_a_delivery_of_an_unknown_task_does_nothing(intake: Intake) -> None:
    assert intake.run_one(new_task_id()) == "unknown"
    assert intake.client.dbsize() == 0


def test_a_delivery_after_a_death_between_insert_and_finish_answers_with_what_is_stored(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    intake.customers.dies_after_insert = True
    with pytest.raises(BrokenBetweenInsertAndFinish):
        intake.run_one(task_id)
    (stored,) = intake.customers.all()
    assert intake.run_one(task_id) == "created"
    assert intake.outcome(task_id)["customer"]["id"] == stored["id"]
    assert intake.customers.all() == [stored]


def test_the_insert_of_a_task_that_is_out_of_starts_is_still_its_outcome(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    intake.customers.dies_after_insert = True
    with pytest.raises(BrokenBetweenInsertAndFinish):
        intake.run_one(task_id)
    for _ in range(9):
        intake.scripts.start(task_id, alone=True)
    assert intake.run_one(task_id) == "created"
    assert intake.outcome(task_id)["ok"] is True


def test_a_task_that_came_to_nothing_five_times_is_a_dead_letter_at_its_sixth_start(intake: Intake) -> None:
    fifth, sixth = intake.accept(as_body(a_request())), intake.accept(as_body(a_request(email="b@example.com")))
    for task_id, starts in ((fifth, 4), (sixth, 5)):
        for _ in range(starts):
            intake.scripts.start(task_id, alone=True)
    assert intake.run_one(fifth) == "created"
    assert intake.run_one(sixth) == "too_many_starts"
    assert intake.scripts.record(sixth)["reason"] == "too_many_starts"
    assert intake.scripts.dead_ids() == {sixth}
    assert intake.run_one(sixth) == "parked"


def test_a_requeued_dead_letter_is_worked(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    for _ in range(5):
        intake.scripts.start(task_id, alone=True)
    assert intake.run_one(task_id) == "too_many_starts"
    intake.scripts.requeue(task_id)
    assert intake.run_one(task_id) == "created"
    assert intake.outcome(task_id)["ok"] is True


# An own document goes before every refusal


def stored_and_not_told(intake: Intake, **changes: Any) -> str:
    """A task whose worker died between insert and FINISH, and whose starts were then set back, as by RELEASE."""
    task_id = intake.accept(as_body(a_request(**changes)))
    intake.customers.dies_after_insert = True
    with pytest.raises(BrokenBetweenInsertAndFinish):
        intake.run_one(task_id)
    intake.client.hset(record_key(task_id), Field.STARTS, 0)
    return task_id


def test_a_customer_that_exists_is_the_outcome_also_under_rules_that_would_refuse_it_now(intake: Intake) -> None:
    task_id = stored_and_not_told(intake)
    intake.minimum_password_characters = len(CANARY) + 1
    assert intake.run_one(task_id) == "created"
    assert intake.outcome(task_id)["ok"] is True
    assert len(intake.customers.all()) == 1


@pytest.mark.parametrize("key", ["version", "key", "content"])
def test_a_customer_that_exists_is_the_outcome_also_where_its_request_can_no_longer_be_read(
    intake: Intake, key: str
) -> None:
    task_id = stored_and_not_told(intake)
    damage(intake, task_id, {"version": 0, "key": 1, "content": -1}[key])
    assert intake.run_one(task_id) == "created"
    assert intake.scripts.dead_ids() == set()


def test_a_customer_that_exists_is_the_outcome_also_where_its_email_is_looked_up_first(intake: Intake) -> None:
    task_id = stored_and_not_told(intake)
    repeat = intake.accept(as_body(a_request(firstName="Jane")))
    use_case = intake.use_case()
    assert use_case.run([Delivery(repeat, "a")]) == ["duplicate_key"]
    assert use_case.run([Delivery(task_id, "b")]) == ["created"]


def test_the_refusals_of_a_group_cost_one_look_together_and_a_group_without_costs_none(intake: Intake) -> None:
    good = [intake.accept(as_body(a_request(email=f"{number}@example.com"))) for number in range(4)]
    assert intake.run(*good) == ["created"] * 4
    assert intake.customers.looks == 0
    bad = [intake.accept(as_body(a_request(tags=1))) for _ in range(4)]
    assert intake.run(*bad) == ["validation_error"] * 4
    assert intake.customers.looks == 1


# Repeats of taken emails


def hashes(intake: Intake) -> float:
    return intake.metrics.registry.get_sample_value("intake_password_hash_seconds_count") or 0.0


def test_a_flood_of_repeats_costs_no_hashes_and_one_look_a_group(intake: Intake) -> None:
    emails = [f"{number}@example.com" for number in range(8)]
    use_case = intake.use_case()

    def work() -> list[str]:
        tasks = [intake.accept(as_body(a_request(email=email))) for email in emails]
        return use_case.run([Delivery(task_id, secrets.token_hex(4)) for task_id in tasks])

    assert work() == ["created"] * 8
    assert work() == ["duplicate_key"] * 8
    before, looks = hashes(intake), intake.customers.looks
    for _ in range(5):
        assert work() == ["duplicate_key"] * 8
    assert hashes(intake) == before
    assert intake.customers.looks == looks + 5


def test_once_repeats_have_ceased_creating_costs_no_look(intake: Intake) -> None:
    use_case = intake.use_case()

    def work(email: str) -> str:
        task_id = intake.accept(as_body(a_request(email=email)))
        (word,) = use_case.run([Delivery(task_id, secrets.token_hex(4))])
        return word

    assert [work("john@example.com") for _ in range(2)] == ["created", "duplicate_key"]
    for number in range(LOOK_AHEAD):
        work(f"{number}@example.com")
    looks = intake.customers.looks
    assert [work(f"late-{number}@example.com") for number in range(3)] == ["created"] * 3
    assert intake.customers.looks == looks


def test_an_email_that_is_taken_after_it_was_looked_up_is_still_refused(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_case = intake.use_case()
    for name in ("first", "second"):
        repeat = intake.accept(as_body(a_request()))
        use_case.run([Delivery(repeat, name)])
    find_all = intake.customers.find_all

    def find_and_be_overtaken(**asked: Any) -> Known:
        known = find_all(**asked)
        intake.customers.add_all([a_stored_customer(email_key="late@example.com")])
        return known

    monkeypatch.setattr(intake.customers, "find_all", find_and_be_overtaken)
    late = intake.accept(as_body(a_request(email="late@example.com")))
    assert use_case.run([Delivery(late, "third")]) == ["duplicate_key"]
    assert len(intake.customers.all()) == 2


# Requests that this worker cannot read


def damage(intake: Intake, task_id: str, place: int) -> None:
    sealed = intake.client.hget(record_key(task_id), Field.SEALED)
    assert isinstance(sealed, bytes)
    changed = bytearray(sealed)
    changed[place] ^= 2
    intake.client.hset(record_key(task_id), Field.SEALED, bytes(changed))


def of_a_newer_version(intake: Intake) -> str:
    task_id = intake.accept(as_body(a_request()))
    damage(intake, task_id, 0)
    return task_id


def to_another_key(intake: Intake) -> str:
    return intake.accept(as_body(a_request()), pair=generate_key_pair())


UNREADABLE_HERE = pytest.mark.parametrize(
    ("accept", "reason"), [(of_a_newer_version, "unknown_envelope_version"), (to_another_key, "unknown_sealing_key")]
)


@UNREADABLE_HERE
def test_a_request_that_another_worker_may_read_is_left_to_others_and_counts_no_start(
    intake: Intake, accept: Callable[[Intake], str], reason: str
) -> None:
    intake.unreadable_wait_seconds = 300
    task_id = accept(intake)
    intake.scripts.lose_message()
    for _ in range(7):
        assert intake.run_one(task_id) == "deferred"
    record = intake.scripts.record(task_id)
    assert (record["state"], record["starts"], record["sends"]) == ("RETRY", "0", "1")
    assert intake.scripts.queued() == []
    assert intake.scripts.dead_ids() == set()
    deferred = intake.metrics.registry.get_sample_value("intake_tasks_deferred_total", {"reason": reason})
    assert deferred == 7


def test_the_sweeper_sends_again_what_was_left_to_others_and_whoever_can_read_it_makes_the_customer(
    intake: Intake,
) -> None:
    intake.unreadable_wait_seconds = 300
    task_id = of_a_newer_version(intake)
    intake.scripts.lose_message()
    assert intake.run_one(task_id) == "deferred"
    assert intake.scripts.sweep(grace_milliseconds=60_000) == []
    intake.scripts.age(task_id, milliseconds=70_000)
    assert intake.scripts.sweep(grace_milliseconds=60_000) == [task_id]
    damage(intake, task_id, 0)  # as a newer worker reads it
    assert intake.run_one(task_id) == "created"


@UNREADABLE_HERE
def test_what_nobody_could_read_for_long_enough_is_a_dead_letter_of_its_own_reason(
    intake: Intake, accept: Callable[[Intake], str], reason: str
) -> None:
    task_id = accept(intake)
    assert intake.run_one(task_id) == reason
    assert intake.scripts.dead_ids() == {task_id}
    assert intake.scripts.record(task_id)["reason"] == reason
    assert "sealed" in intake.scripts.record(task_id)


def test_a_requeued_request_waits_anew_for_a_worker_that_can_read_it(intake: Intake) -> None:
    task_id = of_a_newer_version(intake)
    intake.unreadable_wait_seconds = 300
    assert intake.run_one(task_id) == "deferred"
    intake.client.hset(record_key(task_id), Field.DEFERRED_AT, 1)  # long ago
    assert intake.run_one(task_id) == "unknown_envelope_version"
    intake.scripts.requeue(task_id)
    assert intake.run_one(task_id) == "deferred"


def test_what_cannot_be_read_here_keeps_nothing_else_of_its_group(intake: Intake) -> None:
    intake.unreadable_wait_seconds = 300
    newer, good, foreign = of_a_newer_version(intake), intake.accept(as_body(a_request())), to_another_key(intake)
    assert intake.run(newer, good, foreign) == ["deferred", "created", "deferred"]


def test_a_request_sealed_for_another_task_is_a_dead_letter_and_stores_nothing(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()), sealed_for=new_task_id())
    assert intake.run_one(task_id) == "sealed_request_unreadable"
    assert intake.scripts.dead_ids() == {task_id}
    assert intake.customers.all() == []


# Dependencies that are away


def test_a_task_waits_for_a_database_that_is_away_and_then_has_its_outcome(intake: Intake) -> None:
    intake.customers.away_for = 3
    assert intake.answer(a_request())["ok"] is True


def test_a_worker_that_stops_while_the_database_is_away_leaves_the_task_without_an_outcome(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    intake.customers.away_for = 10**6
    intake.stopping.set()
    with pytest.raises(GiveBackError):
        intake.run_one(task_id)
    assert intake.scripts.record(task_id)["state"] == "STARTED"
    assert intake.scripts.open_ids() == {task_id}
    intake.customers.away_for = 0
    intake.stopping.clear()
    assert intake.run_one(task_id) == "created"


# Groups


def test_each_task_of_a_group_has_its_own_outcome(intake: Intake) -> None:
    bodies = [a_request(), a_request(email="b@example.com"), a_request(email="nobody@"), a_request(tags=1)]
    tasks = [intake.accept(as_body(body)) for body in bodies]
    assert intake.run(*tasks) == ["created", "created", "customer_invalid_email", "validation_error"]
    assert [intake.outcome(task_id)["ok"] for task_id in tasks] == [True, True, False, False]
    assert {customer["email"] for customer in intake.customers.all()} == {"john.doe@example.com", "b@example.com"}


def test_of_a_group_with_one_email_exactly_one_is_created(intake: Intake) -> None:
    tasks = [intake.accept(as_body(a_request(firstName=f"John {number}"))) for number in range(8)]
    assert sorted(intake.run(*tasks)) == ["created"] + ["duplicate_key"] * 7
    assert len(intake.customers.all()) == 1


def test_an_error_of_ours_in_one_task_is_nothing_to_the_others_of_its_group(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_hash = Argon2Passwords.hash

    def fail_for_one(self: Argon2Passwords, password: SecretStr) -> str:
        if password.get_secret_value() == "unlucky":
            raise MemoryError
        return make_hash(self, password)

    monkeypatch.setattr(Argon2Passwords, "hash", fail_for_one)
    unlucky = intake.accept(as_body(a_request(password="unlucky")))
    others = [intake.accept(as_body(a_request(email=f"{number}@example.com"))) for number in range(3)]
    assert intake.run(others[0], unlucky, *others[1:]) == ["created", "failed", "created", "created"]
    assert intake.scripts.open_ids() == {unlucky}
    assert len(intake.customers.all()) == 3
    monkeypatch.undo()
    assert intake.run(unlucky) == ["created"]


def test_a_group_that_cannot_be_stored_as_one_is_stored_one_by_one(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_all = intake.customers.add_all

    def refuse_several(customers: list[StoredCustomer]) -> list[Added | EmailTaken | NotStored]:
        if len(customers) > 1:
            raise ValueError
        return add_all(customers)

    monkeypatch.setattr(intake.customers, "add_all", refuse_several)
    tasks = [intake.accept(as_body(a_request(email=f"{number}@example.com"))) for number in range(3)]
    assert intake.run(*tasks) == ["created"] * 3


def test_a_record_that_is_none_of_ours_is_nothing_to_the_others_of_its_group(intake: Intake) -> None:
    good, bad = intake.accept(as_body(a_request())), new_task_id()
    intake.client.set(record_key(bad), "no record")
    assert intake.run(bad, good) == ["failed", "created"]


def test_a_task_that_came_to_nothing_twice_leaves_its_group_and_runs_alone(intake: Intake) -> None:
    poison, good = intake.accept(as_body(a_request())), intake.accept(as_body(a_request(email="b@example.com")))
    for _ in range(2):
        intake.scripts.start(poison)
    words = intake.use_case().run([Delivery(poison, "first"), Delivery(good, "second")])
    assert words == [Started.ALONE, "created"]
    assert intake.scripts.record(poison)["starts"] == "2"
    assert intake.use_case().run_alone(Delivery(poison, "first")) == "created"


def test_scripts_that_redis_has_forgotten_are_loaded_again(intake: Intake) -> None:
    tasks = [intake.accept(as_body(a_request(email=f"{number}@example.com"))) for number in range(2)]
    intake.run(tasks[0])
    intake.client.script_flush()
    assert intake.run(tasks[1]) == ["created"]
