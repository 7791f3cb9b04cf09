"""Networks that lose 30 % of the packets, or take 200 ms longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.partitions.conftest import Judge
    from tests.partitions.harness.host import Host
    from tests.partitions.harness.signups import Signups
    from tests.partitions.harness.site import Site, Trial
    from tests.partitions.harness.troubles import Trouble


_SLOW_SECONDS: Final = 0.1
"""Of each way, so that a round trip takes 0.2 s longer."""


def _lossy(which: Callable[[Site], Iterable[Host]]) -> Trouble:
    """These machines lose 30 % of their packets."""

    def strike(trial: Trial, signups: Signups) -> None:
        for host in which(trial.site):
            trial.faults += 1
            trial.site.network.lose(host.address)
        signups.wait_for_outcomes(10, seconds=90)

    return strike


def _slow(which: Callable[[Site], Iterable[Host]]) -> Trouble:
    """A round trip to these machines takes 200 ms longer."""

    def strike(trial: Trial, signups: Signups) -> None:
        for host in which(trial.site):
            trial.faults += 1
            host.cable.make_slow(_SLOW_SECONDS)
        signups.wait_for_outcomes()

    return strike


def _mongo_primary(site: Site) -> tuple[Host, ...]:
    primary = site.mongo.primary()
    assert primary is not None
    return (primary,)


_WHOSE: Final[Mapping[str, Callable[[Site], Iterable[Host]]]] = {
    "redis' primary": lambda site: [site.redis.primary()],
    "redis' replicas": lambda site: site.redis.others(site.redis.primary()),
    "the shims": lambda site: site.shims,
    "the workers": lambda site: site.workers,
    "mongodb's primary": _mongo_primary,
}

_TROUBLES: Final[Mapping[str, Trouble]] = {
    **{f"{name}: 30 % lost": _lossy(which) for name, which in _WHOSE.items()},
    **{f"{name}: 200 ms more": _slow(which) for name, which in _WHOSE.items()},
}
"""Bad networks of some machines."""


@pytest.mark.parametrize("name", cases(_TROUBLES, short=("the shims: 30 % lost", "redis' primary: 200 ms more")))
def test_bad_networks(trial: Trial, judge: Judge, name: str) -> None:
    with signups(trial) as load:
        _TROUBLES[name](trial, load)

    judge(trial, load.client)
