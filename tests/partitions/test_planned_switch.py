"""An operator makes another Redis the primary while signups come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import with_promotion
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.harness.history import Client
    from tests.partitions.conftest import Judge
    from tests.partitions.harness.host import Host
    from tests.partitions.harness.redis_hosts import RedisHosts
    from tests.partitions.harness.site import Trial

pytestmark = pytest.mark.slow


def test_a_switch_by_the_operations_manual(trial: Trial, judge: Judge) -> None:
    """docs/operations.md has the steps. They lose nothing."""
    judge(trial, _switched(trial, _by_the_manual))


def test_a_switch_by_the_sentinels_alone(trial: Trial, judge: Judge, note: Callable[[str], None]) -> None:
    """The old primary runs on for a while, and its second replica confirms what it takes.

    One copy is not enough there: docs/reliability.md names it among the residual races.
    """
    verdict = judge(trial, _switched(trial, lambda redis, _: redis.fail_over()), kept=False)
    note(f"SENTINEL FAILOVER alone: one copy lost {verdict.lost} of {verdict.accepted} promises")


def _switched(trial: Trial, switch: Callable[[RedisHosts, Host], None]) -> Client:
    """Three times in a row."""
    with signups(trial, follow=False) as load:
        for _ in range(3):
            with_promotion(trial, lambda old: switch(trial.site.redis, old))
            load.wait_for_promises()
            trial.site.mend()
    return load.client


def _by_the_manual(redis: RedisHosts, old: Host) -> None:
    _ask_for_replicas(redis, old, 9)
    try:
        with redis.client(old) as client:
            taken = client.info("replication")["master_repl_offset"]
            wait_until(lambda: _is_everywhere(client.info("replication"), taken), what="the replicas have all of it")
        redis.fail_over()
        # Sentinels close a server's connections when they make it a replica, so each look has one of its own.
        wait_until(lambda: redis.is_replica(old), timeout=60, what="the old primary is a replica")
    finally:
        _ask_for_replicas(redis, old, 1)


def _ask_for_replicas(redis: RedisHosts, host: Host, count: int) -> None:
    """Have this machine's Redis take writes only while so many replicas follow it."""
    with redis.client(host) as client:
        client.config_set("min-replicas-to-write", count)
        client.config_rewrite()


def _is_everywhere(told: dict[str, Any], taken: int) -> bool:
    """Whether each replica has all that its primary had taken by then. The primary goes on to send signs of life."""
    return all(told[f"slave{number}"]["offset"] >= taken for number in range(2))
