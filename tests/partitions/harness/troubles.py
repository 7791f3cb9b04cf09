"""Troubles of machines and of the network between them. `signups` mends them.

Each trouble counts itself, strikes, and waits until what it is to bring about has come about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tests.partitions.harness.host import Host
    from tests.partitions.harness.signups import Signups
    from tests.partitions.harness.site import Trial

Trouble = Callable[["Trial", "Signups"], None]

ELECTION_SECONDS: Final = 30
"""How long servers may take to agree on another primary."""


def cases(names: Iterable[str], *, short: Collection[str] = ()) -> list[object]:
    """Parameters of a test. Those that are not `short` are left out of the short set."""
    return [pytest.param(name, marks=() if name in short else pytest.mark.slow) for name in names]


def with_promotion(trial: Trial, strike: Callable[[Host], None]) -> Host:
    """Strike the primary's machine, and wait until another Redis is the primary. Returns the machine."""
    trial.faults += 1
    redis = trial.site.redis
    old = redis.primary()
    strike(old)
    wait_until(lambda: redis.promoted(old), timeout=ELECTION_SECONDS, what="another Redis is promoted")
    return old
