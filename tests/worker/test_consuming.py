"""A real worker takes messages several at a time, and none that it takes goes missing for another's sake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from schemas.ids import IdDeriver, new_task_id
from schemas.sealing import Sealer, parse_public_key
from schemas.settings import EnvironmentReader, read_shared_settings
from schemas.task_record import QUEUE, result_key
from tests.support.records import Scripts
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import redis

    from tests.conftest import Servers, Starter


class Producer:
    """Accepts tasks as the shim does."""

    def __init__(self, client: redis.Redis, environment: Mapping[str, str], public_key: Path) -> None:
        self.client = client
        self.scripts = Scripts(client)
        self._ids = IdDeriver(read_shared_settings(EnvironmentReader(environment)).id_key)
        self._sealer = Sealer(*parse_public_key(public_key.read_bytes()))

    def accept(self, number: int) -> str:
        task_id, body = new_task_id(), as_body(a_request(email=f"{number}@example.com"))
        self.scripts.accept(
            task_id, fingerprint=self._ids.fingerprint(body), sealed=self._sealer.seal(task_id=task_id, body=body)
        )
        return task_id

    def created(self, task_id: str) -> bool:
        raw = self.client.get(result_key(task_id))
        return isinstance(raw, bytes) and json.loads(raw)["result"]["ok"] is True


@pytest.fixture
def producer(redis_client: redis.Redis, isolated_env: Mapping[str, str], stack: Servers) -> Producer:
    return Producer(redis_client, isolated_env, stack.secrets.sealing_public_key)


def test_a_backlog_longer_than_what_a_worker_may_hold_is_worked_to_its_end(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    tasks = [producer.accept(number) for number in range(150)]
    start_worker(isolated_env, INTAKE_WORKER_CONCURRENCY="2", INTAKE_WORKER_PREFETCH_MULTIPLIER="3")
    wait_until(lambda: all(map(producer.created, tasks)), timeout=60, what="all customers are created")
    assert producer.client.zcard("intake:held") == 0


def test_a_message_that_is_none_takes_nothing_along(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    tasks = []
    for number, junk in enumerate([b"{", b"[]", b"\xff", b'{"headers": {}}', b'{"properties": 1}', b"null"]):
        tasks.append(producer.accept(number))
        producer.client.lpush(QUEUE, junk)
    worker = start_worker(isolated_env, INTAKE_SWEEP_GRACE_SECONDS="300")
    wait_until(lambda: all(map(producer.created, tasks)), timeout=30, what="all customers are created")
    assert worker.process.alive
    assert "message_unreadable" in worker.log()


def test_a_worker_that_is_stopped_finishes_what_it_holds(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    tasks = [producer.accept(number) for number in range(200)]
    first = start_worker(isolated_env, INTAKE_SWEEP_GRACE_SECONDS="300")
    wait_until(lambda: any(map(producer.created, tasks)), timeout=30, what="it has begun")
    assert first.process.terminate(timeout=30)
    assert first.process.exit_code == 0
    # Nothing was sent again: what is left stands in the queue.
    assert producer.client.zcard("intake:held") == 0
    assert producer.client.llen(QUEUE) == sum(not producer.created(task_id) for task_id in tasks)
    start_worker(isolated_env, INTAKE_SWEEP_GRACE_SECONDS="300")
    wait_until(lambda: all(map(producer.created, tasks)), timeout=60, what="all customers are created")
