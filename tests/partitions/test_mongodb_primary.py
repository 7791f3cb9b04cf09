"""The machine of MongoDB's primary dies, or is cut off. Customers are stored by a majority or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import ELECTION_SECONDS, cases
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.partitions.conftest import Judge
    from tests.partitions.harness.host import Host
    from tests.partitions.harness.signups import Signups
    from tests.partitions.harness.site import Trial
    from tests.partitions.harness.troubles import Trouble


def _mongodb_primary_dies(trial: Trial, signups: Signups) -> None:
    """The machine of its primary dies."""
    _with_election(trial, lambda old: old.die())
    signups.wait_for_outcomes()


def _mongodb_primary_is_cut_off(trial: Trial, signups: Signups) -> None:
    """Nothing reaches its primary any more."""
    _with_election(trial, lambda old: old.cable.unplug())
    signups.wait_for_outcomes()


def _mongodb_primary_is_cut_off_from_its_like(trial: Trial, signups: Signups) -> None:
    """The other members are cut off from it. Workers still reach it, and for a while it takes their writes."""
    site = trial.site
    _with_election(trial, lambda old: site.part([old], site.mongo.others(old)))
    signups.wait_for_outcomes()


def _mongodb_primary_is_not_heard_by_its_like(trial: Trial, signups: Signups) -> None:
    """The same in one way: what it says to them is lost."""
    site = trial.site
    _with_election(trial, lambda old: site.mute([old], site.mongo.others(old)))
    signups.wait_for_outcomes()


def _workers_do_not_hear_mongodb(trial: Trial, signups: Signups) -> None:
    """What MongoDB says to the workers is lost: it has stored customers, and nobody is told."""
    trial.faults += 1
    trial.site.mute(trial.site.mongo.hosts, trial.site.workers)
    signups.accept_one_more()


def _with_election(trial: Trial, strike: Callable[[Host], None]) -> Host:
    """Strike the machine of MongoDB's primary, and wait until there is another. Returns the machine."""
    trial.faults += 1
    mongo = trial.site.mongo
    old = mongo.primary()
    assert old is not None
    strike(old)
    wait_until(lambda: mongo.primary(but=old), timeout=ELECTION_SECONDS, what="MongoDB has another primary")
    return old


_TROUBLES: Final[Mapping[str, Trouble]] = {
    "its machine dies": _mongodb_primary_dies,
    "cut off": _mongodb_primary_is_cut_off,
    "cut off from its like": _mongodb_primary_is_cut_off_from_its_like,
    "not heard by its like": _mongodb_primary_is_not_heard_by_its_like,
    "not heard by the workers": _workers_do_not_hear_mongodb,
}
"""Troubles of MongoDB's primary."""


@pytest.mark.parametrize("name", cases(_TROUBLES, short=("cut off from its like",)))
def test_mongodb_primary(trial: Trial, judge: Judge, name: str) -> None:
    with signups(trial) as load:
        _TROUBLES[name](trial, load)

    judge(trial, load.client)
