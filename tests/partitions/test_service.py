"""A machine of the service dies, or is cut off from Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.partitions.conftest import Judge
    from tests.partitions.harness.signups import Signups
    from tests.partitions.harness.site import Trial
    from tests.partitions.harness.troubles import Trouble


def _shim_dies(trial: Trial, signups: Signups) -> None:
    """The machine of one shim dies. Its clients call the other one."""
    trial.faults += 1
    trial.site.shims[0].die()
    signups.wait_for_outcomes()


def _worker_dies(trial: Trial, signups: Signups) -> None:
    """The machine of one worker dies. The other gets its tasks."""
    trial.faults += 1
    trial.site.workers[0].die()
    signups.wait_for_outcomes()


def _one_shim_is_cut_off(trial: Trial, signups: Signups) -> None:
    """One shim reaches no Redis. Its clients call the other one."""
    trial.faults += 1
    trial.site.part(trial.site.shims[:1], trial.site.redis.hosts)
    signups.wait_for_refusals()
    signups.wait_for_outcomes()


def _one_worker_is_cut_off(trial: Trial, signups: Signups) -> None:
    """One worker reaches no Redis. The other gets its tasks."""
    trial.faults += 1
    trial.site.part(trial.site.workers[:1], trial.site.redis.hosts)
    signups.wait_for_outcomes()


_TROUBLES: Final[Mapping[str, Trouble]] = {
    "a shim's machine dies": _shim_dies,
    "a shim is cut off from Redis": _one_shim_is_cut_off,
    "a worker's machine dies": _worker_dies,
    "a worker is cut off from Redis": _one_worker_is_cut_off,
}
"""Troubles of shims and workers."""


@pytest.mark.parametrize("name", cases(_TROUBLES, short=()))
def test_service(trial: Trial, judge: Judge, name: str) -> None:
    with signups(trial) as load:
        _TROUBLES[name](trial, load)

    judge(trial, load.client)
