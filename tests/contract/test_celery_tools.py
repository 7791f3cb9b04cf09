"""Celery's own tools see the tasks of a worker whose settings allow it, and nothing of any request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
import redis
from celery import Celery
from celery.worker.control import Panel
from kombu import Exchange, Producer

from schemas.protocol.lanes import CHUNKS, SIGNUPS
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import Service, an_email
from tests.support.celery_tools import asked, celery, inspect, listening, node_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Running, Starter

SWITCHED_ON: Final = {"INTAKE_CELERY_EVENTS": "1", "INTAKE_CELERY_REMOTE_CONTROL": "1"}
READING: Final = {
    *("ping", "active", "reserved", "scheduled", "revoked", "registered", "active_queues", "clock", "query_task"),
    "stats",
}


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    """A whole service with events and remote control."""
    running = Service(start_module_shim(module_env), start_module_worker({**module_env, **SWITCHED_ON}))
    yield running
    running.http.close()


@pytest.fixture
def url(service: Service) -> str:
    return service.environment["INTAKE_REDIS_URL"]


@pytest.fixture
def worker(service: Service) -> Running:
    assert service.worker is not None
    return service.worker


def test_each_task_is_heard_as_received_started_and_succeeded(service: Service, url: str, worker: Running) -> None:
    email, caller = an_email(), BatchClient(service, sub=an_email())
    with listening(url, worker) as heard:
        tasks = [service.create(email=email).json()["task"]["id"] for _ in range(2)]
        caller.done(lines(a_row(email=email), a_row()))
        wait_until(lambda: len(heard.tasks(CHUNKS.task_name)) == 1, what="the chunk is heard of")
        tasks += heard.tasks(CHUNKS.task_name)
        for task in tasks:
            heard.wait_for("task-succeeded", task)
            assert heard.of(task) == ["task-received", "task-started", "task-succeeded"]
            assert heard.state.tasks[task].state == "SUCCESS"
            assert heard.state.tasks[task].runtime > 0
        assert heard.state.workers[node_of(worker)].alive
    assert heard.tasks(SIGNUPS.task_name) == set(tasks[:2])
    assert email.partition("@")[0] not in json.dumps(heard.events)


def test_an_event_has_no_argument_and_no_result(service: Service, url: str, worker: Running) -> None:
    with listening(url, worker) as heard:
        task = service.create().json()["task"]["id"]
        heard.wait_for("task-succeeded", task)
    own = {"type", "uuid", "timestamp", "hostname", "pid", "utcoffset", "clock", "local_received"}
    for event in heard.events:
        if event.get("uuid") == task:
            assert set(event) - own <= {"name", "args", "kwargs", "runtime"}
            assert (event.get("args", "()"), event.get("kwargs", "{}")) == ("()", "{}")


def test_celery_inspect_tells_how_many_tasks_were_worked_on(service: Service, url: str, worker: Running) -> None:
    service.create({"prefer": "wait=20"})
    stats = inspect(url, worker, "stats")
    assert stats["pid"] == worker.process.pid
    assert stats["total"][SIGNUPS.task_name] >= 1


@pytest.mark.slow
def test_celery_inspect_is_answered(url: str, worker: Running) -> None:
    assert inspect(url, worker, "ping") == {"ok": "pong"}
    assert inspect(url, worker, "active") == []
    assert inspect(url, worker, "reserved") == []
    assert node_of(worker) in celery(url, "status").stdout


@pytest.mark.parametrize("command", sorted(set(Panel.meta) - READING))
def test_a_command_that_does_not_only_read_is_refused(command: str, url: str, worker: Running) -> None:
    assert set(asked(url, worker, command)) == {"error"}
    assert worker.process.alive


def test_commands_that_want_no_reply_change_nothing(service: Service, url: str, worker: Running) -> None:
    with Celery("tests", broker=url, set_as_current=False) as app:
        for command in ("shutdown", "disable_events", "pool_shrink", "revoke", "cancel_consumer"):
            app.control.broadcast(command, {"n": 100, "task_id": ["x"], "queue": SIGNUPS.queue})
    assert asked(url, worker, "ping") == {"ok": "pong"}
    with listening(url, worker) as heard:
        task = service.create().json()["task"]["id"]
        heard.wait_for("task-succeeded", task)
    assert "remote_command_refused" in worker.log()


def test_what_is_no_command_is_ignored(url: str, worker: Running) -> None:
    """Neither is the reply sent where a message says, nor is a pattern looked at."""
    stranger = {"exchange": "", "routing_key": SIGNUPS.queue}
    bodies = [
        "canary",
        ["canary"],
        {"canary": {}},
        {"method": ["canary"], "reply_to": "canary"},
        {"method": "ping", "arguments": None, "reply_to": stranger, "ticket": "canary"},
        {"method": "ping", "arguments": {}, "pattern": "(a+)+$", "matcher": "pcre", "reply_to": stranger},
    ]
    with Celery("tests", broker=url, set_as_current=False).connection_for_write() as connection:
        producer = Producer(connection, serializer="json")
        fanout = Exchange("celery.pidbox", type="fanout", durable=False)
        for body in bodies:
            producer.publish(body, exchange=fanout, declare=[fanout])
    with redis.Redis.from_url(url) as client:
        client.publish(f"/{client.get_connection_kwargs()['db']}.celery.pidbox", b"canary")
    assert asked(url, worker, "ping") == {"ok": "pong"}
    assert "canary" not in worker.log()
    assert "message_not_taken" not in worker.log()
