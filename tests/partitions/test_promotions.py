"""What a promotion loses without copies, and how soon everything is as fast as before with them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import with_promotion
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.partitions.conftest import Judge
    from tests.partitions.harness.host import Host
    from tests.partitions.harness.signups import Signups
    from tests.partitions.harness.site import Site, Trial

pytestmark = pytest.mark.slow

_SHARE: Final = 0.9
"""Of the throughput before. When it is reached the service counts as recovered."""
_SECONDS_BEFORE: Final = 6
_SECONDS_AFTER: Final = 2
"""Over how long outcomes are counted."""
_CLIENTS: Final = 24
_PAUSE_SECONDS: Final = 1.0
"""Each client signs up about once a second. This is less than the machine can do, so that the figure is about the
promotion and not about what else the machine does."""

_STRIKES: Final[Mapping[str, Callable[[Site, Host], None]]] = {
    "its machine dies": lambda _, old: old.die(),
    "cut off": lambda _, old: old.cable.unplug(),
    "cut off from its like": lambda site, old: site.part([old], site.redis.others(old)),
}
"""What is done to the machine of Redis' primary."""


@pytest.mark.parametrize("name", _STRIKES)
def test_the_throughput_comes_back_after_a_promotion(
    trial: Trial, judge: Judge, note: Callable[[str], None], name: str
) -> None:
    """The figures stand below the table."""
    with signups(trial, clients=_CLIENTS, pause=_PAUSE_SECONDS) as load:
        load.wait_for_outcomes(2 * _SECONDS_BEFORE * _CLIENTS, seconds=90)
        struck_at = time.monotonic()
        before = _rate(load, struck_at, _SECONDS_BEFORE)
        with_promotion(trial, lambda old: _STRIKES[name](trial.site, old))
        promoted_at = time.monotonic()
        wait_until(
            lambda: _rate(load, time.monotonic(), _SECONDS_AFTER) >= _SHARE * before,
            timeout=60,
            what="the throughput comes back",
        )
        back_at = time.monotonic()

    judge(trial, load.client)
    note(
        f"{name}: another Redis was promoted after {promoted_at - struck_at:.1f} s, and "
        f"{_SHARE:.0%} of {before:.0f} outcomes/s were reached {back_at - promoted_at:.1f} s later"
    )


def test_what_is_lost_without_copies(careless_trial: Trial, judge: Judge, note: Callable[[str], None]) -> None:
    """The primary is cut off from its replicas, promises on, and dies when another has been promoted.

    This is the cost of `INTAKE_REDIS_COPIES=0`, and it proves that the checker sees a loss.
    """
    site = careless_trial.site
    with signups(careless_trial, follow=False) as load:
        old = with_promotion(careless_trial, lambda old: site.part([old], site.redis.others(old)))
        old.die()

    verdict = judge(careless_trial, load.client, kept=False)
    assert verdict.lost
    note(f"without INTAKE_REDIS_COPIES one promotion lost {verdict.lost} of {verdict.accepted} promises")


def _rate(load: Signups, until: float, seconds: float) -> float:
    """Outcomes a second in so many seconds before then."""
    ended = [each.ended_at for each in tuple(load.client.history)]
    return sum(at is not None and until - seconds < at <= until for at in ended) / seconds
