"""A service whose Redis has Sentinels goes over to the server that they promote, and says what is wrong with them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest
import redis

from local_stack.service_process import WORKER, service_process
from tests.support.sentinels import NAME, SentinelServer, Watched, url_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service

SIGNUPS: Final = 10
SECONDS: Final = 60


def accepted(service: Service, key: str) -> str:
    """The task of a signup, which is repeated with its key until it is accepted."""
    tasks: list[str] = []

    def is_accepted() -> bool:
        response = service.create({"idempotency-key": key}, email=f"{key}@example.com")
        if response.status_code == 202:
            tasks.append(response.json()["task"]["id"])
            return True
        assert response.status_code == 503, response.text
        return False

    wait_until(is_accepted, timeout=SECONDS, what="the signup is accepted")
    return tasks[0]


def outcome(service: Service, task_id: str) -> Any:
    """The outcome of a task. While no Redis can be used the call is made again."""
    answers: list[Any] = []

    def is_there() -> bool:
        response = service.result(task_id, wait=5)
        answers.append(response.json())
        return response.status_code == 200

    wait_until(is_there, timeout=SECONDS, what="the task has its outcome")
    return answers[-1]


def missing(service: Service) -> list[str]:
    """What keeps the shim from being ready."""
    response = service.get("/readyz")
    return [] if response.status_code == 200 else list(response.json()["data"]["missing"])


def dead_letters(subcommand: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Call `customer-intake dead-letters` with these settings."""
    command = [str(Path(sys.executable).parent / "customer-intake"), "dead-letters", subcommand]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False)


class Start(Protocol):
    """Starts a shim and a worker with these settings."""

    def __call__(self, url: str) -> Service: ...


@pytest.fixture
def start(isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve) -> Start:
    """See `Start`."""

    def both(url: str) -> Service:
        env = {**isolated_env, "INTAKE_REDIS_URL": url}
        worker = start_worker(env)
        return serve(start_shim(env), worker)

    return both


def kill(watched: Watched) -> None:
    watched.primary.kill()


def kill_with_a_sentinel(watched: Watched) -> None:
    watched.sentinels[-1].process.kill()
    watched.primary.kill()


def freeze(watched: Watched) -> None:
    watched.primary.process.pause()


@pytest.mark.slow
@pytest.mark.parametrize("lose", [kill, kill_with_a_sentinel, freeze])
def test_signups_go_on_with_the_replica_that_was_promoted(
    tmp_path: Path, start: Start, lose: Callable[[Watched], None]
) -> None:
    """Nothing is restarted, and nothing is lost of what the replica had.

    A primary without a replica takes no writes. So the old one stops as soon as its replicas have left it.
    """
    with Watched(tmp_path / "watched", "min-replicas-to-write 1", replicas=2) as watched:
        service = start(watched.url)
        before = [accepted(service, f"before-{number}") for number in range(SIGNUPS)]
        wait_until(watched.in_sync, what="the replicas have all of them")
        lose(watched)
        during = [accepted(service, f"during-{number}") for number in range(SIGNUPS)]
        promoted = watched.wait_until_promoted()
        wait_until(lambda: missing(service) == [], timeout=SECONDS, what="the shim is ready")
        after = [accepted(service, f"after-{number}") for number in range(SIGNUPS)]

        tasks = [*before, *during, *after]
        assert len(set(tasks)) == 3 * SIGNUPS
        assert [outcome(service, task_id)["ok"] for task_id in tasks] == [True] * len(tasks)
        assert len(service.customers()) == len(tasks)
        # Outcomes are heard on the new primary.
        assert service.create({"prefer": "wait=20"}).status_code == 200
        assert service.get("/healthz").status_code == 200
        for subcommand in ("list", "keys"):
            done = dead_letters(subcommand, service.environment)
            assert done.returncode == 0, done.stderr
        with redis.Redis(port=promoted.port) as client:
            assert client.exists(*(f"intake:task:{task_id}" for task_id in tasks)) == len(tasks)
        watched.primary.process.resume()


class Load(threading.Thread):
    """Signups, one after the other, until it is stopped."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self._stopped = threading.Event()
        self.tasks: list[str] = []

    def run(self) -> None:
        while not self._stopped.is_set():
            response = self._service.create()
            if response.status_code == 202:
                self.tasks.append(response.json()["task"]["id"])

    def stop(self) -> None:
        self._stopped.set()
        self.join()


@pytest.mark.slow
def test_a_planned_switch_as_the_operations_manual_has_it_loses_nothing(tmp_path: Path, start: Start) -> None:
    """`SENTINEL FAILOVER` alone loses what the old primary takes until its last replica has left it."""
    with Watched(tmp_path / "watched", "min-replicas-to-write 1", replicas=2) as watched:
        service = start(watched.url)
        load = Load(service)
        load.start()
        wait_until(lambda: len(load.tasks) >= SIGNUPS, timeout=SECONDS, what="signups are accepted")
        with redis.Redis(port=watched.primary.port) as old:
            old.config_set("min-replicas-to-write", 9)
            wait_until(lambda: everywhere(old.info("replication")), what="the replicas have all of them")
            before = len(load.tasks)
            watched.sentinels[0].ask("SENTINEL", "FAILOVER", NAME)
            watched.wait_until_promoted()
            wait_until(lambda: old.role()[0] == b"slave", timeout=SECONDS, what="the old primary is a replica")
            old.config_set("min-replicas-to-write", 1)
            old.config_rewrite()
        wait_until(lambda: len(load.tasks) >= before + SIGNUPS, timeout=SECONDS, what="signups are accepted again")
        load.stop()

        assert [outcome(service, task_id)["ok"] for task_id in load.tasks] == [True] * len(load.tasks)


def everywhere(told: dict[str, Any]) -> bool:
    """Whether each replica has all that its primary has, by what this one tells."""
    return all(told[f"slave{number}"]["offset"] == told["master_repl_offset"] for number in range(2))


@pytest.mark.slow
def test_while_every_sentinel_is_down_connections_are_kept_and_none_can_be_made(tmp_path: Path, start: Start) -> None:
    with Watched(tmp_path / "watched") as watched:
        service = start(watched.url)
        for sentinel in watched.sentinels:
            sentinel.process.kill()
        assert service.create({"prefer": "wait=20"}).status_code == 200

        with redis.Redis(port=watched.primary.port) as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        wait_until(lambda: missing(service) == ["redis_no_sentinel"], timeout=SECONDS, what="it says what is missing")
        assert service.create().status_code == 503
        assert service.worker is not None
        log = service.worker.log
        wait_until(lambda: '"redis_no_sentinel"' in log(), timeout=SECONDS, what="the worker says so too")

        for sentinel in watched.sentinels:
            sentinel.start()
        wait_until(lambda: missing(service) == [], timeout=SECONDS, what="the shim is ready again")
        assert outcome(service, accepted(service, "after"))["ok"] is True


class Faulty:
    """Settings that lead to no primary, and a worker with them."""

    def __init__(self, environment: Environment, folder: Path, finding: str) -> None:
        with redis.Redis.from_url(environment["INTAKE_REDIS_URL"]) as client:
            arguments = client.connection_pool.connection_kwargs
        lines = ["requirepass secret"] if finding == "redis_sentinel_refuses" else []
        self.sentinel = SentinelServer(folder / "sentinel", int(arguments["port"]), *lines, notices=False)
        url = url_of(self.sentinel).replace("//", f"//:{arguments['password']}@")
        url = url.removesuffix("0") + str(arguments["db"])
        if finding == "redis_unknown_master_name":
            url = url.replace(NAME, "another")
        self.settings = {**environment, "INTAKE_REDIS_URL": url}
        if finding == "redis_sentinel_refuses":
            self.settings["INTAKE_REDIS_SENTINEL_PASSWORD"] = "wrong-canary"
        if finding != "redis_no_sentinel":
            self.sentinel.start()
        self.worker = service_process("worker", WORKER, self.settings, log_path=folder / "worker.log")
        self.worker.start()

    def worker_log(self) -> str:
        return self.worker.log_path.read_text()

    def told_by_worker(self) -> set[str]:
        """The codes with which the worker says that it cannot use Redis."""
        lines = [json.loads(line) for line in self.worker_log().splitlines() if line.startswith("{")]
        return {line["code"] for line in lines if line["event"] == "dependency_refuses"}

    def kill(self) -> None:
        self.sentinel.process.kill()
        self.worker.kill()


@pytest.fixture(params=["redis_no_sentinel", "redis_unknown_master_name", "redis_sentinel_refuses"])
def faulty(isolated_env: Environment, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, Faulty]]:
    """A finding, and what leads to it."""
    made = Faulty(isolated_env, tmp_path, request.param)
    yield request.param, made
    made.kill()


def test_what_is_wrong_with_the_sentinels_is_told_everywhere(
    faulty: tuple[str, Faulty], start_shim: Starter, serve: Serve
) -> None:
    finding, led = faulty
    service = serve(start_shim(led.settings))

    created = service.create()

    assert (created.status_code, created.json()["error"]) == (503, "service_unavailable")
    assert missing(service) == [finding]
    assert f'intake_redis_finding{{finding="{finding}"' in service.get("/metrics").text
    assert [line["finding"] for line in service.lines("redis_finding")] == [finding]
    wait_until(led.told_by_worker, timeout=SECONDS, what="the worker says so too")
    assert led.told_by_worker() == {finding}

    done = dead_letters("list", led.settings)
    assert done.returncode == 1
    assert re.fullmatch("Error: .*Sentinel.*; nothing more was done\n", done.stderr)
    assert "canary" not in service.shim.log() + led.worker_log() + done.stderr

    if finding == "redis_no_sentinel":
        led.sentinel.start()
        wait_until(lambda: missing(service) == [], timeout=SECONDS, what="the shim is ready")
        wait_until(lambda: led.worker.has_logged("worker_ready"), timeout=SECONDS, what="the worker is ready")
        assert service.create({"prefer": "wait=20"}).status_code == 200
