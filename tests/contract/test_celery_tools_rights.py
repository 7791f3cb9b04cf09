"""Celery's tools with the rights that docs/operations.md gives, and through a Redis that is full, gone, or refuses."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.lanes import SIGNUPS
from startup.broker.redis_rights import SHIM, WORKER
from tests.support.celery_tools import asked, inspect, listening
from tests.support.redis_users import ADMIN, client_as, password_of, redis_with_users, url_as
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_stack.redis_server import RedisServer
    from tests.conftest import Environment, Running, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service

pytestmark = pytest.mark.slow

TOOLS: Final = "celery-tools"
_DOCUMENT: Final = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
_RULES: Final = re.search(r"\*\*Rights in Redis\.\*\*.*?```\n(.*?)```", _DOCUMENT, re.DOTALL)
SWITCHED_ON: Final = {"INTAKE_CELERY_EVENTS": "1", "INTAKE_CELERY_REMOTE_CONTROL": "1"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis with the users of deploy/redis-users.acl."""
    with redis_with_users(tmp_path / "redis") as server:
        yield server


def give_rights(server: RedisServer) -> None:
    """Do what docs/operations.md says."""
    assert _RULES is not None
    events, control, user = _RULES[1].splitlines()
    digest = hashlib.sha256(password_of(TOOLS).encode()).hexdigest()
    _, name, *rules = user.replace("PASSWORD_OF_TOOLS", digest).split(" ")
    with client_as(server, ADMIN) as admin:
        admin.execute_command("ACL", "SETUSER", WORKER.user, *events.split(" "), *control.split(" "))
        admin.execute_command("ACL", "SETUSER", name, *rules)


@pytest.fixture
def service(
    server: RedisServer, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> Service:
    """A service with these users, events and remote control, before anybody has given it the rights."""
    shim = start_shim({**isolated_env, "INTAKE_REDIS_URL": url_as(server, SHIM.user)})
    return serve(shim, start_worker({**isolated_env, "INTAKE_REDIS_URL": url_as(server, WORKER.user), **SWITCHED_ON}))


@pytest.fixture
def worker(service: Service) -> Running:
    assert service.worker is not None
    return service.worker


def test_the_documented_rights_are_enough_and_without_them_the_worker_works(
    server: RedisServer, service: Service, worker: Running
) -> None:
    assert service.create({"prefer": "wait=20"}).json()["ok"]
    wait_until(lambda: "celery_events_failed" in worker.log(), what="it is told that events cannot be sent")
    wait_until(lambda: "remote_control_failed" in worker.log(), what="it is told that commands cannot be heard")
    give_rights(server)
    wait_until_commands_are_heard(server)
    with client_as(server, ADMIN) as admin:
        admin.execute_command("ACL", "LOG", "RESET")
        with listening(url_as(server, TOOLS), worker) as heard:
            task = service.create().json()["task"]["id"]
            heard.wait_for("task-succeeded", task)
        assert inspect(url_as(server, TOOLS), worker, "ping") == {"ok": "pong"}
        assert admin.execute_command("ACL", "LOG") == []


def wait_until_commands_are_heard(server: RedisServer) -> None:
    with client_as(server, ADMIN) as admin:
        wait_until(lambda: admin.pubsub_numpat() > 0, timeout=20, what="the worker listens to commands")


def test_a_redis_that_is_full_gone_or_new_does_not_keep_the_worker_from_its_tasks(
    server: RedisServer, service: Service, worker: Running
) -> None:
    give_rights(server)
    wait_until_commands_are_heard(server)
    url = url_as(server, TOOLS)
    with listening(url, worker) as heard, client_as(server, ADMIN) as admin:
        assert asked(url, worker, "ping") == {"ok": "pong"}
        assert worker.process.pid is not None
        os.kill(worker.process.pid, signal.SIGSTOP)
        tasks = [service.create().json()["task"]["id"] for _ in range(3)]
        admin.config_set("maxmemory", 1)
        os.kill(worker.process.pid, signal.SIGCONT)
        for task in tasks:
            assert service.result(task).json()["ok"]
            heard.wait_for("task-succeeded", task)
        assert worker.process.alive
        admin.config_set("maxmemory", 0)
        assert asked(url, worker, "ping") == {"ok": "pong"}

    server.kill()
    wait_until(lambda: "celery_events_failed" in worker.log(), timeout=30, what="events cannot be sent")
    server.start()
    give_rights(server)
    assert service.create({"prefer": "wait=30"}).json()["ok"]
    wait_until_commands_are_heard(server)
    assert asked(url, worker, "stats")["total"][SIGNUPS.task_name] >= 1
    with listening(url, worker) as heard:
        heard.wait_for("task-succeeded", service.create().json()["task"]["id"])
