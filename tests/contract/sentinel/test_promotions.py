"""A service whose Redis has Sentinels goes over to the server that they promote."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis

from tests.contract.sentinel.calls import SECONDS, accepted, dead_letters, missing, outcome
from tests.support.sentinels import NAME, Watched
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.sentinel.conftest import Start
    from tests.contract.service import Service

SIGNUPS: Final = 10


def kill(watched: Watched) -> None:
    watched.primary.kill()


def kill_with_a_sentinel(watched: Watched) -> None:
    watched.sentinels[-1].process.kill()
    watched.primary.kill()


def freeze(watched: Watched) -> None:
    watched.primary.process.pause()


def is_heard(service: Service) -> bool:
    """Whether a call that waits gets its outcome. While the other replica goes over to the new primary it gets 503."""
    status = service.create({"prefer": "wait=20", "idempotency-key": "heard"}, email="heard@example.com").status_code
    assert status in {200, 503}, "the shim did not hear of the outcome"
    return status == 200


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
        wait_until(lambda: is_heard(service), timeout=SECONDS, what="an outcome is heard on the new primary")
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
