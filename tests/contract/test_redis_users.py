"""The whole service with the users of deploy/redis-users.acl: each has what it needs, and is refused nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from pymongo import MongoClient

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from schemas.protocol.keys import DEAD_KEY, QUEUE, record_key
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.webhook_keys import EndpointField, endpoint_key
from startup.broker.redis_rights import NOTIFIER, OPERATOR, SHIM, WORKER
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import Service, an_email
from tests.notifier.process import QUICK as QUICK_NOTIFIER
from tests.notifier.process import to, write_endpoints
from tests.support.receiver import a_receiver, status, taken
from tests.support.redis_users import ADMIN, REPLICA, client_as, password_of, redis_with_users, url_as
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Running, Starter
    from tests.contract.conftest import Serve

pytestmark = pytest.mark.slow

QUICK: Final = {"INTAKE_SWEEP_GRACE_SECONDS": "0.5", "INTAKE_SWEEP_INTERVAL_SECONDS": "0.2"}
COPIES: Final = {"INTAKE_REDIS_COPIES": "1", "INTAKE_RATE_PER_SECOND": "1000"}


@dataclass
class Guarded:
    """The service with a Redis that knows these users alone, and with a replica."""

    redis: RedisServer
    environment: Environment
    start_worker: Starter
    service: Service

    def as_admin(self, *command: str) -> Any:
        with client_as(self.redis, ADMIN) as client:
            return client.execute_command(*command)

    def worker(self) -> Running:
        """Start a worker."""
        return self.start_worker({**self.environment, "INTAKE_REDIS_URL": url_as(self.redis, WORKER.user), **QUICK})

    def operator(self, *arguments: str, group: str = "dead-letters") -> str:
        """What `customer-intake dead-letters` prints, or another group of commands."""
        command = [str(Path(sys.executable).parent / "customer-intake"), group, *arguments]
        environment = {**self.environment, "INTAKE_REDIS_URL": url_as(self.redis, OPERATOR.user)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuse(self, validator: dict[str, Any]) -> None:
        """Have MongoDB refuse customers by this validator."""
        with MongoClient[dict[str, Any]](self.environment["INTAKE_MONGODB_URI"]) as client:
            database = client[self.environment["INTAKE_MONGODB_DATABASE"]]
            if "customers" not in database.list_collection_names():
                database.create_collection("customers")
            database.command("collMod", "customers", validator=validator)


@pytest.fixture
def guarded(
    tmp_path: Path, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> Iterator[Guarded]:
    """The service without a worker. In the end Redis must have refused nobody anything."""
    with redis_with_users(tmp_path / "primary", "repl-diskless-sync-delay 0") as primary:
        signs_in = [f"masteruser {REPLICA}", f"masterauth {password_of(REPLICA)}"]
        follows = [f"replicaof 127.0.0.1 {primary.port}", *signs_in]
        replica = RedisServer(tmp_path / "replica", free_port(), follows, password=None)
        replica.start()
        try:
            with client_as(primary, ADMIN) as client:
                wait_until(lambda: client.info("replication")["connected_slaves"] == 1, timeout=30, what="it follows")
            shim = start_shim({**isolated_env, "INTAKE_REDIS_URL": url_as(primary, SHIM.user), **COPIES})
            guarded = Guarded(primary, isolated_env, start_worker, serve(shim))
            yield guarded
            refused = guarded.as_admin("ACL", "LOG")
            users = {SHIM.user, WORKER.user, NOTIFIER.user, OPERATOR.user, REPLICA}
            assert [entry for entry in map(_as_text, refused) if entry["username"] in users] == []
            assert guarded.service.get("/readyz").status_code == 200
            assert "redis_finding" not in shim.log()
            assert "dependency_refuses" not in shim.log()
        finally:
            replica.kill()


def _as_text(entry: list[Any]) -> dict[str, str]:
    values = [each.decode() if isinstance(each, bytes) else str(each) for each in entry]
    return dict(zip(values[::2], values[1::2], strict=True))


def test_signups_batches_results_and_waits_work(guarded: Guarded) -> None:
    worker, service = guarded.worker(), guarded.service
    caller = BatchClient(service, sub=an_email())
    email = an_email()

    created = service.create({"prefer": "wait=20", "idempotency-key": "one"}, email=email)
    again = service.create({"prefer": "wait=20", "idempotency-key": "one"}, email=email)
    later = service.create({"idempotency-key": "two"}, email=email).json()["task"]["id"]
    batch = caller.done(lines(*(a_row() for _ in range(2_500))), name="many")
    ordered = caller.done(lines(a_row(), a_row(email=email)), ordered="true")
    twice = an_email()
    validated = caller.done(lines(a_row(email=twice), a_row(email=twice, lastName="Other")), mode="validate")

    assert (created.status_code, again.json()) == (200, created.json())
    assert service.result(later).json()["error"] == "duplicate_key"
    assert batch["outcomes"] == {"created": 2_500}
    assert ordered["outcomes"] == {"created": 1, "duplicate_key": 1}
    assert validated["outcomes"] == {"valid": 1, "duplicate_key": 1}
    assert len(caller.rows_of(batch["id"], limit="3000")) == 2_500
    assert len(caller.list()) == 3
    assert service.metric("intake_redis_up") == 1
    assert "dependency_refuses" not in worker.log()


def test_a_batch_is_canceled(guarded: Guarded) -> None:
    caller = BatchClient(guarded.service, sub=an_email())
    batch_id = caller.accepted(lines(*(a_row() for _ in range(1_500))))

    assert caller.cancel(batch_id).status_code == 200
    assert caller.result(batch_id).json()["batch"]["outcomes"] == {"canceled": 1_500}
    guarded.worker()
    wait_until(lambda: guarded.as_admin("LLEN", CHUNKS.queue) == 0, timeout=20, what="its messages are taken")


def test_lost_tasks_and_chunks_are_sent_again(guarded: Guarded) -> None:
    caller = BatchClient(guarded.service, sub=an_email())
    task_id = guarded.service.create().json()["task"]["id"]
    batch_id = caller.accepted(lines(a_row()))
    assert guarded.as_admin("DEL", QUEUE, CHUNKS.queue) == 2

    worker = guarded.worker()

    assert guarded.service.result(task_id).json()["ok"] is True
    assert caller.result(batch_id).json()["batch"]["outcomes"] == {"created": 1}
    assert "task_resent" in worker.log()


def test_dead_letters_are_listed_shown_sent_again_and_dropped(guarded: Guarded) -> None:
    guarded.refuse({"lastName": {"$ne": "Refused"}})
    worker, service = guarded.worker(), guarded.service
    caller = BatchClient(service, sub=an_email())
    request = a_request(email=an_email(), lastName="Refused")
    task_id = service.post(as_body(request)).json()["task"]["id"]
    batch = caller.done(lines(a_row(lastName="Refused"), a_row(lastName="Refused"), a_row()))
    wait_until(lambda: guarded.as_admin("ZCARD", DEAD_KEY) == 3, timeout=20, what="three are dead letters")

    rows = [line.split()[0] for line in guarded.operator("list").splitlines() if "rows=1" in line]
    assert task_id in guarded.operator("show", task_id)
    assert "lines" in guarded.operator("show", rows[0])
    assert guarded.operator("keys").split()[1] == "3"
    guarded.operator("drop", "--yes", rows[0])
    guarded.refuse({})
    guarded.operator("requeue", "--all")

    assert service.result(task_id).json()["ok"] is True
    wait_until(
        lambda: caller.result(batch["id"]).json()["batch"]["outcomes"] == {"created": 2, "internal_error": 1},
        timeout=20,
        what="the row is created",
    )
    assert guarded.as_admin("EXISTS", record_key(rows[0])) == 0
    assert "dependency_refuses" not in worker.log()


def test_an_outcome_is_sent_to_an_endpoint_that_is_switched_retried_and_forgotten(
    guarded: Guarded, tmp_path: Path, start_notifier: Starter
) -> None:
    guarded.worker()
    file = tmp_path / "endpoints.toml"
    told = {"INTAKE_REDIS_URL": url_as(guarded.redis, NOTIFIER.user), "INTAKE_WEBHOOKS_FILE": str(file)}
    with a_receiver(status(410)) as receiver:
        write_endpoints(file, to(receiver))
        notifier = start_notifier({**guarded.environment, **QUICK_NOTIFIER, **told})
        wait_until(lambda: guarded.as_admin("HEXISTS", endpoint_key("crm"), EndpointField.SINCE), what="it is known")
        guarded.service.create({"prefer": "wait=20"})

        wait_until(lambda: "endpoint_off" in notifier.log(), what="the endpoint is off")
        assert "off: gone" in guarded.operator("list", group="webhooks")
        receiver.behave = taken
        guarded.operator("enable", "crm", group="webhooks")
        wait_until(lambda: "event_delivered" in notifier.log(), what="the event is delivered")
    guarded.operator("retry", "crm", group="webhooks")
    guarded.operator("disable", "crm", group="webhooks")
    assert notifier.process.terminate()
    guarded.operator("forget", "--yes", "crm", group="webhooks")

    assert guarded.as_admin("EXISTS", endpoint_key("crm")) == 0
    assert "dependency_refuses" not in notifier.log()
