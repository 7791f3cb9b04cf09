"""The scripts of docker-compose.ha.yml with real Redis and Sentinels: no promise is lost with a machine or its disk."""

from __future__ import annotations

import re
import stat
import subprocess
from typing import TYPE_CHECKING, Final

import pytest
import redis

from tests.deploy.ha.cluster import SCRIPTS, Cluster, Machine
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILOVER_SECONDS: Final = 90
"""How long to wait for a promotion. Sentinels give a primary that calls itself a replica some 20 s."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.kill()


def _has_the_signup(machine: Machine | None) -> bool:
    try:
        return machine is not None and machine.client().get("signup") == "promised"
    except redis.RedisError:
        return False


@pytest.mark.slow
def test_a_replica_takes_over_and_the_machine_that_comes_back_is_its_replica(cluster: Cluster) -> None:
    dead = cluster.redis[0]
    assert dead.client().set("signup", "promised")
    assert dead.client().wait(2, 5000) == 2

    dead.process.kill()
    wait_until(lambda: cluster.primary() not in {None, dead}, timeout=FAILOVER_SECONDS, what="another is the primary")
    dead.process.start()

    wait_until(lambda: dead.role() == "slave", timeout=FAILOVER_SECONDS, what="it has become a replica")
    assert _has_the_signup(cluster.primary())


@pytest.mark.slow
def test_a_primary_that_comes_back_at_once_with_an_empty_disk_empties_nobody(cluster: Cluster) -> None:
    """It is faster than the Sentinels. As a primary, its emptiness would be copied by both replicas."""
    dead = cluster.redis[0]
    assert dead.client().set("signup", "promised")
    assert dead.client().wait(2, 5000) == 2

    dead.process.kill()
    dead.lose_its_disk()
    dead.process.start()

    wait_until(lambda: _has_the_signup(cluster.primary()), timeout=FAILOVER_SECONDS, what="a primary has the signup")
    wait_until(lambda: _has_the_signup(dead), timeout=FAILOVER_SECONDS, what="the empty disk has it again")
    assert dead.role() == "slave"


@pytest.mark.slow
def test_no_first_primary_is_made_beside_redis_that_have_data(cluster: Cluster) -> None:
    """The line that makes the first primary is run again by mistake, for a machine that has lost its disk."""
    dead = cluster.redis[0]
    dead.process.kill()
    dead.lose_its_disk()

    done = dead.make_first_primary(*cluster.redis[1:])

    assert (done.returncode, list(dead.volume.iterdir())) == (1, [])
    assert f"{cluster.redis[1].address} runs" in done.stderr


def test_sentinels_promote_although_the_primary_came_back_empty_and_calls_itself_a_replica() -> None:
    """They wait for 20 s and this long, and pass over replicas that were without a primary for ten times this long."""
    (milliseconds,) = re.findall(r"down-after-milliseconds intake (\d+)", (SCRIPTS / "sentinel.sh").read_text())

    assert 10 * int(milliseconds) > 20_000 + int(milliseconds)


@pytest.mark.slow
def test_a_primary_without_replicas_promises_nothing(cluster: Cluster) -> None:
    primary = cluster.redis[0]
    for replica in cluster.redis[1:]:
        replica.process.kill()

    def refuses() -> bool:
        try:
            primary.client().set("signup", "promised")
        except redis.ResponseError as error:
            return str(error).startswith("NOREPLICAS")
        return False

    wait_until(refuses, timeout=30, what="the primary refuses writes")


@pytest.mark.parametrize("name", ["redis.sh", "sentinel.sh", "nginx.sh"])
def test_a_script_can_be_executed_and_parsed(name: str) -> None:
    assert (SCRIPTS / name).stat().st_mode & stat.S_IXUSR
    subprocess.run(["sh", "-n", str(SCRIPTS / name)], check=True, timeout=30)
