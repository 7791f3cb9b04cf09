"""A worker whose MongoDB refuses says what to mend, delays no other signup, and goes on once it is mended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local_stack.mongo_server import MongoMember, MongoReplicaSet
from local_stack.ports import free_port
from local_stack.service_process import WORKER, service_process
from schemas.protocol.keys import HELD_KEY, QUEUE
from tests.support.waiting import wait_until
from tests.worker.consuming.test_consuming import Producer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import redis

    from local_stack.process import ManagedProcess
    from tests.conftest import Servers, Starter

PASSWORD = "canary-of-the-database"
DATABASE = "customer_intake"


# One customer


@pytest.fixture
def producer(redis_client: redis.Redis, isolated_env: Mapping[str, str], stack: Servers) -> Producer:
    return Producer(redis_client, isolated_env, stack.secrets.sealing_public_key)


@pytest.mark.parametrize("by", ["unique index", "validator"])
def test_customers_that_mongodb_refuses_are_dead_letters_within_seconds_and_delay_nobody(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter, by: str
) -> None:
    with MongoClient[dict[str, Any]](isolated_env["INTAKE_MONGODB_URI"]) as client:
        database = client[isolated_env["INTAKE_MONGODB_DATABASE"]]
        database.create_collection("customers")
        if by == "unique index":
            only_some = {"lastName": "Refused"}
            database["customers"].create_index("username", unique=True, partialFilterExpression=only_some)
        else:
            database.command("collMod", "customers", validator={"lastName": {"$ne": "Refused"}})
        # Of the customers with one value in the unique index, the first is stored.
        producer.accept(999, lastName="Refused")
        worker = start_worker(isolated_env)
        wait_until(lambda: not producer.scripts.open_ids(), timeout=20, what="the first has ended")
        refused = [producer.accept(number, lastName="Refused") for number in range(8)]
        innocent = [producer.accept(number) for number in range(100, 105)]
        wait_until(lambda: all(map(producer.created, innocent)), timeout=10, what="the innocent are created")
        wait_until(lambda: producer.scripts.dead_ids() >= set(refused), timeout=10, what="the others are dead letters")

        record = producer.scripts.record(refused[0])
        if by == "unique index":
            assert (record["reason"], record["detail"]) == (
                "refused_by_unique_index",
                "DuplicateKey unique index username_1",
            )
        else:
            assert (record["reason"], record["detail"]) == (
                "refused_by_validator",
                "DocumentValidationFailure validator",
            )
        assert record["detail"] in worker.log()

        # Once MongoDB is mended and the dead letters are requeued, each signup has its customer.
        database["customers"].drop_indexes() if by == "unique index" else database.command(
            "collMod", "customers", validator={}
        )
        for task_id in producer.scripts.dead_ids():
            producer.scripts.requeue(task_id)
        wait_until(lambda: all(map(producer.created, refused)), timeout=10, what="the refused are created")


# MongoDB refuses everything


@dataclass(frozen=True)
class Guarded:
    """A MongoDB whose users must sign in."""

    member: MongoMember

    def uri(self, user: str, password: str = PASSWORD) -> str:
        """The URI with which this user signs in."""
        return f"mongodb://{user}:{password}@{self.member.address}/?replicaSet=rs0&authSource=admin"

    def grant(self, *actions: str) -> None:
        """Give the user `worker` these rights over the customers, and no others."""
        resource = {"db": DATABASE, "collection": "customers"}
        privileges = [{"resource": resource, "actions": list(actions)}] if actions else []
        with MongoClient[dict[str, Any]](self.uri("root")) as client:
            client.admin.command("updateRole", "customers", privileges=privileges)

    def customers(self) -> list[dict[str, Any]]:
        """The stored customers."""
        with MongoClient[dict[str, Any]](self.uri("root")) as client:
            return list(client[DATABASE]["customers"].find())


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    key_file = folder / "key"
    key_file.write_text("k" * 64)
    key_file.chmod(0o600)
    port = free_port()
    open_set = MongoReplicaSet(folder / "mongo", [port])
    open_set.start()
    with MongoClient[dict[str, Any]](open_set.uri) as client:
        client.admin.command("createRole", "customers", privileges=[], roles=[])
        client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
        client.admin.command("createUser", "worker", pwd=PASSWORD, roles=["customers"])
        client.admin.command("createUser", "reader", pwd=PASSWORD, roles=[{"role": "read", "db": DATABASE}])
    open_set.stop()
    options = ["--auth", "--keyFile", str(key_file)]
    member = MongoMember(folder / "mongo" / "member-0", port, name="mongo-guarded", options=options)
    member.start()
    guarded = Guarded(member)
    try:
        wait_until(lambda: _is_primary(guarded), timeout=60, what="a primary that asks for passwords")
        yield guarded
    finally:
        member.kill()


def _is_primary(guarded: Guarded) -> bool:
    try:
        with MongoClient[dict[str, Any]](guarded.uri("root"), serverSelectionTimeoutMS=1000) as client:
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False


@dataclass(frozen=True)
class Worker:
    """A worker, which may never get ready."""

    process: ManagedProcess
    health_file: Path

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Its log lines of this event."""
        lines = self.process.log_path.read_text().splitlines()
        return [json.loads(line) for line in lines if f'"event": "{event}"' in line]

    def is_healthy(self) -> bool:
        """Whether its health file exists and is written anew within two beats."""
        if not self.health_file.exists():
            return False
        before = self.health_file.stat().st_mtime_ns
        try:
            wait_until(lambda: self.health_file.stat().st_mtime_ns != before, timeout=5, what="another beat")
        except AssertionError:
            return False
        return True


@pytest.fixture
def worker_as(isolated_env: Mapping[str, str], guarded: Guarded, tmp_path: Path) -> Iterator[Any]:
    """Starts a worker that signs in as this user, and does not wait until it is ready."""
    started: list[ManagedProcess] = []

    def start(user: str, password: str = PASSWORD) -> Worker:
        health_file = tmp_path / "health"
        environment = {
            **isolated_env,
            "INTAKE_MONGODB_URI": guarded.uri(user, password),
            "INTAKE_MONGODB_DATABASE": DATABASE,
            "INTAKE_WORKER_HEALTH_FILE": str(health_file),
        }
        process = service_process("worker", WORKER, environment, log_path=tmp_path / "log")
        started.append(process)
        process.start()
        return Worker(process, health_file)

    yield start
    for process in started:
        assert PASSWORD not in process.log_path.read_text()
        process.kill()


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (("worker", "wrong"), ("AuthenticationFailed", "")),
        (("reader", PASSWORD), ("Unauthorized", "right createIndex")),
    ],
    ids=["wrong password", "may only read"],
)
def test_a_worker_that_may_not_do_its_work_says_why_in_one_line_and_takes_nothing(
    producer: Producer, worker_as: Any, who: tuple[str, str], refusal: tuple[str, str]
) -> None:
    task_id = producer.accept(1)
    worker = worker_as(*who)
    wait_until(lambda: worker.lines("dependency_refuses"), timeout=30, what="it says so")
    for line in worker.lines("dependency_refuses"):
        assert (line["code"], line["concerns"]) == refusal
        assert "INTAKE_MONGODB_URI" in line["advice"]
    assert not worker.lines("dependency_away")
    assert not worker.health_file.exists()
    record = producer.scripts.record(task_id)
    assert (record["state"], record["starts"]) == ("PENDING", "0")
    assert producer.client.llen(QUEUE) == 1
    # It has said that it runs, and what it waits for.
    wait_until(lambda: [each.details.refused for each in producer.scripts.overview().processes] not in ([], [{}]))
    (said,) = (each.details for each in producer.scripts.overview().processes)
    assert (said.taking, "database" in said.away) == (False, True)
    assert said.refused["database"].startswith(refusal[0])
    assert "INTAKE_MONGODB_URI" in said.refused["database"]


def test_a_worker_whose_right_is_taken_away_gives_back_what_it_holds_and_goes_on_once_it_has_it_again(
    producer: Producer, worker_as: Any, guarded: Guarded
) -> None:
    guarded.grant("find", "insert", "createIndex")
    worker = worker_as("worker")
    first = producer.accept(1)
    wait_until(lambda: producer.created(first), timeout=30, what="it works")
    guarded.grant("find", "createIndex")

    tasks = [producer.accept(number) for number in range(2, 30)]
    wait_until(lambda: worker.lines("taking_stopped"), timeout=20, what="it takes no more")
    (stopped,) = worker.lines("taking_stopped")[:1]
    assert stopped["refused"] is True
    refusal = worker.lines("dependency_refuses")[0]
    assert (refusal["code"], refusal["concerns"]) == ("Unauthorized", "right insert")

    guarded.grant()  # With this right no probe lets the worker begin anew while this test looks.
    wait_until(lambda: not worker.is_healthy(), timeout=30, what="its health file is written no more")
    wait_until(lambda: producer.client.zcard(HELD_KEY) == 0, timeout=10, what="it holds nothing")
    assert producer.client.llen(QUEUE) == len(tasks)
    assert {producer.scripts.record(task_id)["starts"] for task_id in tasks} == {"0"}
    assert producer.scripts.dead_ids() == set()

    guarded.grant("find", "insert", "createIndex")
    wait_until(lambda: all(map(producer.created, tasks)), timeout=60, what="all are created")
    wait_until(worker.is_healthy, timeout=20, what="it is healthy again")
    assert len(guarded.customers()) == len(tasks) + 1
