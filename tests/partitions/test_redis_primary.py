"""The machine of Redis' primary dies, or is cut off from some of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import cases, with_promotion
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.partitions.conftest import Judge
    from tests.partitions.harness.signups import Signups
    from tests.partitions.harness.site import Trial
    from tests.partitions.harness.troubles import Trouble


def _primary_dies(trial: Trial, signups: Signups) -> None:
    """It dies with its Sentinel. Another Redis is promoted, and all goes on."""
    with_promotion(trial, lambda old: old.die())
    signups.wait_for_outcomes()


def _primary_is_cut_off(trial: Trial, signups: Signups) -> None:
    """Nothing reaches it any more. It runs on, and believes that it is the primary."""
    with_promotion(trial, lambda old: old.cable.unplug())
    signups.wait_for_outcomes()


def _primary_is_cut_off_from_its_like(trial: Trial, signups: Signups) -> None:
    """Its replicas and the other Sentinels are cut off from it. Shims and workers still reach it."""
    site = trial.site
    old = with_promotion(trial, lambda old: site.part([old], site.redis.others(old)))
    wait_until(lambda: site.redis.refuses(old), timeout=20, what="it takes no more writes")
    signups.wait_for_outcomes()


def _primary_is_not_heard_by_its_like(trial: Trial, signups: Signups) -> None:
    """The same in one way: what it says to them is lost."""
    site = trial.site
    with_promotion(trial, lambda old: site.mute([old], site.redis.others(old)))
    signups.wait_for_outcomes()


def _primary_does_not_hear_its_like(trial: Trial, signups: Signups) -> None:
    """The same in the other way."""
    site = trial.site
    with_promotion(trial, lambda old: site.mute(site.redis.others(old), [old]))
    signups.wait_for_outcomes()


def _shims_are_not_heard(trial: Trial, signups: Signups) -> None:
    """What the shims say to the primary is lost. Nobody else notices, so it stays the primary."""
    trial.faults += 1
    trial.site.mute(trial.site.shims, [trial.site.redis.primary()])
    signups.wait_for_refusals()


def _shims_do_not_hear(trial: Trial, signups: Signups) -> None:
    """What the primary says to the shims is lost."""
    trial.faults += 1
    trial.site.mute([trial.site.redis.primary()], trial.site.shims)
    signups.wait_for_refusals()


def _workers_are_not_heard(trial: Trial, signups: Signups) -> None:
    """What the workers say to Redis is lost. Signups are accepted all the same."""
    trial.faults += 1
    trial.site.mute(trial.site.workers, trial.site.redis.hosts)
    signups.accept_one_more()


def _workers_do_not_hear(trial: Trial, signups: Signups) -> None:
    """What Redis says to the workers is lost: messages were taken, and arrive nowhere."""
    trial.faults += 1
    trial.site.mute(trial.site.redis.hosts, trial.site.workers)
    signups.accept_one_more()


def _replicas_die(trial: Trial, signups: Signups) -> None:
    """Both replicas die, and two of three Sentinels. The primary is well, and must promise nothing."""
    trial.faults += 2
    for host in trial.site.redis.others(trial.site.redis.primary()):
        host.die()
    signups.wait_for_refusals(4)


def _one_replica_dies(trial: Trial, signups: Signups) -> None:
    """One replica dies. The other is enough."""
    trial.faults += 1
    trial.site.redis.others(trial.site.redis.primary())[0].die()
    signups.wait_for_outcomes()


_TROUBLES: Final[Mapping[str, Trouble]] = {
    "its machine dies": _primary_dies,
    "cut off": _primary_is_cut_off,
    "cut off from its like": _primary_is_cut_off_from_its_like,
    "not heard by its like": _primary_is_not_heard_by_its_like,
    "does not hear its like": _primary_does_not_hear_its_like,
    "does not hear the shims": _shims_are_not_heard,
    "not heard by the shims": _shims_do_not_hear,
    "does not hear the workers": _workers_are_not_heard,
    "not heard by the workers": _workers_do_not_hear,
    "both replicas die": _replicas_die,
    "one replica dies": _one_replica_dies,
}
"""Troubles of Redis' primary."""


@pytest.mark.parametrize("name", cases(_TROUBLES, short=("cut off from its like",)))
def test_redis_primary(trial: Trial, judge: Judge, name: str) -> None:
    with signups(trial) as load:
        _TROUBLES[name](trial, load)

    judge(trial, load.client)
