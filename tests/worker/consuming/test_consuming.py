"""A real worker takes several messages at a time. No message is lost because of another one."""

from __future__ import annotations

import base64
import json
import socket
import urllib.request
from collections import Counter
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from local_stack.ports import free_port
from local_stack.readiness import NotReadyError
from local_stack.service_process import WORKER, service_process
from schemas.ids import IdDeriver, new_task_id
from schemas.protocol.keys import QUEUE, result_key
from schemas.protocol.message import MessageTemplate
from schemas.sealing import Sealer, parse_public_key
from startup.environment import EnvironmentReader
from startup.shared_settings import read_shared_settings
from tests.support.records import Scripts
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import redis

    from tests.conftest import Servers, Starter


CANARY = "canary-of-another-service"


def of_celery(task: str, message_id: object, **changes: Any) -> bytes:
    """A message of any Celery client. Its arguments and headers hold text that must not be shown."""
    body = base64.b64encode(json.dumps([[CANARY], {"password": CANARY}, {}]).encode()).decode()
    headers = {"task": task, "id": message_id, "argsrepr": CANARY, "kwargsrepr": CANARY, "origin": CANARY}
    properties = {
        "delivery_tag": CANARY,
        "delivery_info": {"exchange": CANARY, "routing_key": CANARY},
        "body_encoding": "base64",
        "correlation_id": CANARY,
    }
    message = {"body": body, "content-type": "application/json", "content-encoding": "utf-8"}
    return json.dumps({**message, "headers": headers, "properties": properties, **changes}).encode()


FOREIGN: Final = [
    (b"{" + CANARY.encode(), "not_json"),
    (b"\xff" + CANARY.encode(), "not_json"),
    (b"[" * 60_000, "not_json"),
    (json.dumps([CANARY]).encode(), "not_celery"),
    (json.dumps({"headers": {CANARY: CANARY}}).encode(), "not_celery"),
    (json.dumps({"properties": CANARY, "headers": CANARY}).encode(), "not_celery"),
    (json.dumps({"task": CANARY, "id": CANARY, "args": [CANARY], "kwargs": {}}).encode(), "not_celery"),
    (of_celery("ignored", "x", headers={}, body=json.dumps({"task": CANARY, "id": CANARY})), "not_celery"),
    (of_celery("shop.tasks.pay", CANARY), "other_task"),
    (of_celery(f"{CANARY} is no name", CANARY), "other_task"),
    (of_celery("customer.create", CANARY), "unknown_id"),
    (of_celery("customer.create", [CANARY]), "unknown_id"),
    (of_celery("shop.tasks.pay", CANARY, body=CANARY * 10_000), "too_long"),
]
"""Messages that others may put into the queue, each with the name of its kind."""


class Producer:
    """Accepts tasks as the shim does."""

    def __init__(self, client: redis.Redis, environment: Mapping[str, str], public_key: Path) -> None:
        self.client = client
        self.scripts = Scripts(client)
        self._ids = IdDeriver(read_shared_settings(EnvironmentReader(environment)).id_key)
        self._sealer = Sealer(*parse_public_key(public_key.read_bytes()))

    def accept(self, number: int, **changes: Any) -> str:
        task_id, body = new_task_id(), as_body(a_request(email=f"{number}@example.com", **changes))
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


def test_a_backlog_of_more_tasks_than_a_worker_may_hold_is_worked_to_its_end(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    tasks = [producer.accept(number) for number in range(150)]
    start_worker(isolated_env, INTAKE_WORKER_CONCURRENCY="2", INTAKE_WORKER_PREFETCH_MULTIPLIER="3")
    wait_until(lambda: all(map(producer.created, tasks)), timeout=60, what="all customers are created")
    assert producer.client.zcard("intake:held") == 0


def test_a_message_that_cannot_be_read_does_no_harm_to_the_others(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    port = free_port()
    tasks = []
    for number, (junk, _) in enumerate(FOREIGN):
        tasks.append(producer.accept(number))
        producer.client.lpush(QUEUE, junk)
    worker = start_worker(
        isolated_env,
        INTAKE_SWEEP_GRACE_SECONDS="300",
        INTAKE_WORKER_METRICS_PORT=str(port),
        INTAKE_LOG_LEVEL="debug",
    )
    wait_until(lambda: all(map(producer.created, tasks)), timeout=30, what="all customers are created")
    assert worker.process.alive
    assert CANARY not in worker.log()
    lines = [json.loads(line) for line in worker.log().splitlines() if "message_not_taken" in line]
    assert {line["reason"] for line in lines} == {reason for _, reason in FOREIGN}
    assert {line["task"] for line in lines if "task" in line} == {"shop.tasks.pay"}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        metrics = answer.read().decode()
    for reason, count in Counter(reason for _, reason in FOREIGN).items():
        assert f'intake_messages_not_taken_total{{reason="{reason}"}} {count}.0' in metrics


def test_a_worker_that_is_stopped_finishes_what_it_holds(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    tasks = [producer.accept(number) for number in range(200)]
    first = start_worker(isolated_env, INTAKE_SWEEP_GRACE_SECONDS="300")
    wait_until(lambda: any(map(producer.created, tasks)), timeout=30, what="it has begun")
    assert first.process.terminate(timeout=30)
    assert first.process.exit_code == 0
    # Nothing was sent again. The tasks that are left are still in the queue.
    assert producer.client.zcard("intake:held") == 0
    assert producer.client.llen(QUEUE) == sum(not producer.created(task_id) for task_id in tasks)
    start_worker(isolated_env, INTAKE_SWEEP_GRACE_SECONDS="300")
    wait_until(lambda: all(map(producer.created, tasks)), timeout=60, what="all customers are created")


def test_a_worker_goes_on_when_redis_was_a_replica_for_a_while(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    worker = start_worker(isolated_env)
    first = producer.accept(1)
    wait_until(lambda: producer.created(first), timeout=30, what="it works")
    # To a worker a failover looks like this: the blocked call ends with UNBLOCKED, and the next ones with READONLY.
    producer.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        wait_until(lambda: "connection to broker lost" in worker.log().lower(), timeout=30, what="it has noticed")
    finally:
        producer.client.execute_command("REPLICAOF", "NO", "ONE")
    second = producer.accept(2)
    wait_until(lambda: producer.created(second), timeout=30, what="it works again")
    assert worker.process.alive


def test_a_worker_whose_metrics_port_is_taken_does_not_start_and_says_why(
    isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(NotReadyError, match="INTAKE_WORKER_METRICS_PORT: cannot listen there"):
            start_worker(isolated_env, INTAKE_WORKER_METRICS_PORT=port)


def test_metrics_are_there_also_while_mongodb_is_away(isolated_env: Mapping[str, str], tmp_path: Path) -> None:
    port = free_port()
    away = {
        "INTAKE_MONGODB_URI": f"mongodb://127.0.0.1:{free_port()}/?replicaSet=rs0",
        "INTAKE_WORKER_METRICS_PORT": str(port),
    }
    worker = service_process("worker", WORKER, {**isolated_env, **away}, log_path=tmp_path / "log")
    worker.start()
    try:
        wait_until(lambda: "dependency_away" in worker.log_path.read_text(), timeout=30, what="it waits")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b'intake_dependency_failures_total{dependency="database"}' in answer.read()
    finally:
        worker.kill()


def test_only_the_task_id_of_a_message_is_read(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    """A Celery client of another kind or age may put other fields there. They are not shown, and do no harm."""
    worker = start_worker(isolated_env, INTAKE_LOG_LEVEL="debug", INTAKE_SWEEP_GRACE_SECONDS="300")
    changes: list[dict[str, Any]] = [
        {},
        {"properties": {}},
        {"body": None, "content-type": CANARY, "content-encoding": CANARY},
        {"body": CANARY, "properties": {"body_encoding": CANARY}},
    ]
    for number, change in enumerate(changes):
        task_id = producer.accept(number)
        producer.client.lrem(QUEUE, 1, MessageTemplate().message(task_id).decode())
        producer.client.lpush(QUEUE, of_celery("customer.create", task_id, **change))
        wait_until(partial(producer.created, task_id), timeout=30, what="the customer is created")
    assert CANARY not in worker.log()
