"""Sentinels name a server that is no primary any more, or one that still reads its data back."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
import redis

from local_stack.ports import LOOPBACK, free_port
from local_stack.redis_server import RedisServer
from tests.contract.sentinel.calls import SECONDS, accepted, missing, outcome
from tests.support.sentinels import NAME, SentinelServer, url_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.sentinel.conftest import Start
    from tests.contract.service import Service

pytestmark = pytest.mark.slow

SIGNUPS: Final = 10
LOAD_MICROSECONDS: Final = 400
"""The delay of each command that Redis reads back. It answers clients after every thousand commands."""
OTHER_KEYS: Final = 20_000
"""So many keys make Redis read for ten seconds."""


@dataclass(frozen=True)
class Named:
    """A primary with a replica, and a Sentinel that goes on naming the primary, whatever becomes of it."""

    primary: RedisServer
    replica: RedisServer
    sentinel: SentinelServer

    @property
    def url(self) -> str:
        """What is in `INTAKE_REDIS_URL`."""
        return url_of(self.sentinel)

    def demote(self) -> None:
        """Have primary and replica change their roles. Every connection stays open."""
        with redis.Redis(port=self.primary.port) as old, redis.Redis(port=self.replica.port) as new:
            wait_until(lambda: old.wait(1, 1000) == 1, what="the replica has all that the primary has")
            new.replicaof("NO", "ONE")
            old.replicaof(LOOPBACK, self.replica.port)

    def name_the_other(self) -> None:
        """Have the Sentinel name the new primary from now on."""
        self.sentinel.ask("SENTINEL", "REMOVE", NAME)
        self.sentinel.ask("SENTINEL", "MONITOR", NAME, LOOPBACK, str(self.replica.port), "1")


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Named]:
    """See `Named`."""
    delay = f"key-load-delay {LOAD_MICROSECONDS}"
    primary = RedisServer(tmp_path / "redis-0", free_port(), [delay], password=None)
    replica = RedisServer(tmp_path / "redis-1", free_port(), [f"replicaof {LOOPBACK} {primary.port}"], password=None)
    sentinel = SentinelServer(tmp_path / "sentinel", primary.port, quorum=1, notices=False)
    with ExitStack() as ends:
        for server in (primary, replica):
            ends.callback(server.kill)
            server.start()
        ends.callback(sentinel.process.kill)
        sentinel.start()
        yield Named(primary, replica, sentinel)


def test_a_primary_that_was_made_a_replica_is_left_as_soon_as_the_sentinels_name_another(
    named: Named, start: Start
) -> None:
    """It answers READONLY on connections that were made when it was the primary."""
    service = start(named.url)
    before = [accepted(service, f"before-{number}") for number in range(SIGNUPS)]
    assert [outcome(service, task_id)["ok"] for task_id in before] == [True] * SIGNUPS

    named.demote()

    assert service.create().status_code == 503
    assert "READONLY" in {line["code"] for line in service.lines("dependency_refuses")}
    told_by_all(service, "redis_is_replica")
    named.name_the_other()

    goes_on(service)
    # What the old primary had accepted is known to the new one.
    assert [outcome(service, task_id)["ok"] for task_id in before] == [True] * SIGNUPS


def test_a_primary_that_reads_its_data_back_is_waited_for(named: Named, start: Start) -> None:
    """It answers LOADING for ten seconds. Nobody is promoted, since it does answer."""
    service = start(named.url)
    with redis.Redis(port=named.primary.port) as client, client.pipeline(transaction=False) as pipeline:
        for number in range(OTHER_KEYS):
            pipeline.set(f"other:{number}", 1)
        pipeline.execute()

    named.primary.kill()
    named.primary.process.start()

    told_by_all(service, "redis_loading")
    goes_on(service)


def told_by_all(service: Service, finding: str) -> None:
    """Wait until shim and worker say so."""
    wait_until(lambda: missing(service) == [finding], timeout=SECONDS, what="the shim says what is missing")
    assert service.worker is not None
    log = service.worker.log
    wait_until(lambda: f'"{finding}"' in log(), timeout=SECONDS, what="the worker says so too")


def goes_on(service: Service) -> None:
    """Wait until the service is as before, though nothing was restarted."""
    wait_until(lambda: missing(service) == [], timeout=SECONDS, what="the shim is ready")
    tasks = [accepted(service, f"after-{number}") for number in range(SIGNUPS)]
    assert [outcome(service, task_id)["ok"] for task_id in tasks] == [True] * SIGNUPS
    assert service.create({"prefer": "wait=20"}).status_code == 200
    assert service.shim.process.alive
    assert service.worker is not None
    assert service.worker.process.alive
