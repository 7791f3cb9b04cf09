"""With `INTAKE_REDIS_COPIES`, a 202 means that a replica has the signup too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from schemas.ids import new_task_id
from schemas.protocol.batch_keys import OPEN_ROWS_KEY
from schemas.protocol.keys import QUEUE, record_key
from tests.contract.service import CREATE, an_email
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service

FAST: Final = {"INTAKE_REDIS_COPIES": "1", "INTAKE_REDIS_TIMEOUT_SECONDS": "0.7"}


@dataclass
class Pair:
    """A primary and its replica."""

    primary: RedisServer
    replica: RedisServer

    def of_replica(self, command: str, *arguments: Any) -> Any:
        with redis.Redis.from_url(self.replica.url) as client:
            return client.execute_command(command, *arguments)

    def of_primary(self, command: str, *arguments: Any) -> Any:
        with redis.Redis.from_url(self.primary.url) as client:
            return client.execute_command(command, *arguments)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both run, and the replica follows."""
    primary = RedisServer(tmp_path / "primary", free_port(), ["repl-diskless-sync-delay 0"], password=None)
    replica = RedisServer(tmp_path / "replica", free_port(), [f"replicaof 127.0.0.1 {primary.port}"], password=None)
    primary.start()
    try:
        replica.start()
        pair = Pair(primary, replica)
        wait_until(lambda: pair.of_replica("ROLE")[3] == b"connected", timeout=30, what="the replica follows")
        yield pair
    finally:
        replica.kill()
        primary.kill()


@pytest.fixture
def service(pair: Pair, isolated_env: Environment, start_shim: Starter, serve: Serve) -> Service:
    """A shim that wants one copy, and no worker."""
    return serve(start_shim({**isolated_env, "INTAKE_REDIS_URL": pair.primary.url, **FAST}))


def test_a_202_is_on_the_replica_when_it_is_given(pair: Pair, service: Service) -> None:
    for _ in range(20):
        task = service.create().json()["task"]["id"]

        assert pair.of_replica("EXISTS", record_key(task)) == 1


def test_while_the_replica_stands_still_nothing_is_promised_not_even_to_a_repeat(pair: Pair, service: Service) -> None:
    """A repeat finds the record that the first call wrote. It must not be taken for safe by that alone."""
    key, email = {"idempotency-key": "one"}, an_email()
    pair.replica.process.pause()

    first = service.create(key, email=email)
    assert pair.of_primary("LLEN", QUEUE) == 1, "the primary has it"
    second = service.create(key, email=email)
    pair.replica.process.resume()
    third = service.create(key, email=email)

    assert (first.status_code, second.status_code) == (503, 503)
    assert first.json()["error"] == "service_unavailable"
    assert third.status_code == 202
    assert pair.of_replica("EXISTS", record_key(third.json()["task"]["id"])) == 1
    assert pair.of_replica("LLEN", QUEUE) == 1, "it is one task"


@pytest.mark.slow
def test_results_are_read_while_the_replica_stands_still(pair: Pair, service: Service) -> None:
    task = service.create().json()["task"]["id"]
    pair.replica.process.pause()

    assert service.create().status_code == 503
    assert service.result(task, wait=0).status_code == 202
    pair.replica.process.resume()


def test_a_primary_that_lost_its_replicas_and_may_be_replaced_is_not_believed_that_there_is_no_such_task(
    pair: Pair, service: Service
) -> None:
    """Another shim may have gone over already. What is known of a task is told all the same."""
    task = service.create().json()["task"]["id"]
    for name, value in (("min-replicas-max-lag", 1), ("min-replicas-to-write", 1)):
        pair.of_primary("CONFIG", "SET", name, value)
    wait_until(lambda: service.get("/readyz").status_code == 200, what="the shim knows that Redis counts its replicas")
    assert service.result(new_task_id(), wait=0).status_code == 404
    assert service.get(f"{CREATE}.batch.result", id=new_task_id()).status_code == 404
    pair.replica.process.pause()

    wait_until(lambda: service.result(new_task_id(), wait=0).status_code == 503, what="Redis has lost its replica")
    assert service.result(task, wait=0).status_code == 202
    assert service.get(f"{CREATE}.batch.result", id=new_task_id()).status_code == 503
    pair.replica.process.resume()
    wait_until(lambda: service.result(new_task_id(), wait=0).status_code == 404, what="the replica follows again")


def test_a_shim_without_enough_replicas_is_not_ready_and_says_so(pair: Pair, service: Service) -> None:
    assert service.get("/readyz").status_code == 200
    pair.replica.kill()

    wait_until(lambda: service.get("/readyz").status_code == 503, timeout=30, what="it is not ready")
    assert service.get("/readyz").json()["data"]["missing"] == ["redis_too_few_copies"]
    assert service.create().status_code == 503
    pair.replica.start()
    wait_until(lambda: service.create().status_code == 202, timeout=30, what="signups are accepted again")
    wait_until(lambda: service.get("/readyz").status_code == 200, timeout=30, what="it is ready again")


@pytest.mark.slow
def test_rows_of_a_batch_are_on_the_replica_before_the_batch_is_answered(pair: Pair, service: Service) -> None:
    lines = b"".join(as_body(a_request(email=an_email())) + b"\n" for _ in range(1_000))

    answer = service.post(lines, {"content-type": "application/x-ndjson"}, path=f"{CREATE}.batch")

    assert answer.status_code == 202, answer.text
    assert json.loads(answer.text)["batch"]["rows"] == 1_000
    assert pair.of_replica("GET", OPEN_ROWS_KEY) == b"1000"


def test_after_the_primary_s_death_the_replica_has_every_signup_that_got_a_202(pair: Pair, service: Service) -> None:
    tasks = [service.create().json()["task"]["id"] for _ in range(50)]

    pair.primary.kill()

    assert pair.of_replica("EXISTS", *(record_key(task) for task in tasks)) == 50
