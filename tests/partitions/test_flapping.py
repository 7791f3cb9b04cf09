"""Machines and cables that come and go."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import ELECTION_SECONDS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.partitions.conftest import Judge
    from tests.partitions.harness.host import Host
    from tests.partitions.harness.site import Site, Trial

pytestmark = pytest.mark.slow

_PAUSE: Final = threading.Event()
_MOMENTS: Final = (0.3, 1)
"""Seconds in which nobody misses a machine yet."""
_LONG_SECONDS: Final = 4
"""MongoDB elects another primary within this time."""

_FLAPPING: Final[Mapping[str, Callable[[Site], Iterable[Host]]]] = {
    "redis": lambda site: site.redis.hosts,
    "mongodb": lambda site: site.mongo.hosts,
    "shims and workers": lambda site: (*site.shims, *site.workers),
    "any machine": lambda site: site.hosts,
}
"""Which machines' cables are pulled."""


@pytest.mark.parametrize("name", _FLAPPING)
def test_cables_are_pulled_and_put_back(trial: Trial, judge: Judge, name: str) -> None:
    """Six times, for a moment or for so long that another primary is elected."""
    dice = random.Random(name)
    hosts = tuple(_FLAPPING[name](trial.site))
    with signups(trial) as load:
        for _ in range(6):
            host = dice.choice(hosts)
            trial.faults += 1
            was_primary = trial.site.redis.is_primary(host) if host in trial.site.redis.hosts else False
            host.cable.unplug()
            _stay_away(trial.site, host, dice, was_primary=was_primary)
            host.cable.plug()
            _calm(trial.site, host, was_primary=was_primary)
            _PAUSE.wait(dice.choice(_MOMENTS))

    judge(trial, load.client)


def test_machines_die_in_turn(trial: Trial, judge: Judge) -> None:
    """Each of the ten dies once, at any moment of the life of the others. No two are dead at once."""
    dice = random.Random(14)
    with signups(trial) as load:
        for host in dice.sample(trial.site.hosts, k=len(trial.site.hosts)):
            trial.faults += 1
            was_primary = trial.site.redis.is_primary(host) if host in trial.site.redis.hosts else False
            host.die()
            _stay_away(trial.site, host, dice, was_primary=was_primary)
            host.come_back()
            _calm(trial.site, host, was_primary=was_primary)
            _PAUSE.wait(dice.choice([1, 3]))

    judge(trial, load.client)


def _stay_away(site: Site, host: Host, dice: random.Random, *, was_primary: bool) -> None:
    """For a moment, or for long. Redis' primary does not come back while another one is being promoted.

    Two promotions within ten seconds are not covered by one copy (docs/reliability.md), so `_calm` waits after one.
    """
    seconds = dice.choice([*_MOMENTS, _LONG_SECONDS])
    if was_primary and seconds == _LONG_SECONDS:
        wait_until(lambda: site.redis.is_replaced(host), timeout=ELECTION_SECONDS, what="another Redis is the primary")
    else:
        _PAUSE.wait(seconds)


def _calm(site: Site, host: Host, *, was_primary: bool) -> None:
    """After a promotion, wait until every Sentinel knows who is what."""
    if was_primary and not site.redis.is_primary(host):
        site.redis.wait_whole()
