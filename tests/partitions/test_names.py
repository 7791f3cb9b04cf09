"""`INTAKE_REDIS_URL` names one machine, as a managed Redis does, and the name leads elsewhere after a promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import with_promotion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.partitions.conftest import Judge
    from tests.partitions.harness.host import Host
    from tests.partitions.harness.site import Site, Trial

pytestmark = pytest.mark.slow

_STRIKES: Final[Mapping[str, Callable[[Site, Host], None]]] = {
    "its machine dies": lambda _, old: old.die(),
    "cut off": lambda _, old: old.cable.unplug(),
    "cut off from its like": lambda site, old: site.part([old], site.redis.others(old)),
}
"""What is done to the machine of Redis' primary."""


@pytest.mark.parametrize("name", _STRIKES)
def test_a_name_leads_elsewhere_after_a_promotion(trial_by_name: Trial, judge: Judge, name: str) -> None:
    """Shims and workers look the name up anew, without a restart."""
    site = trial_by_name.site
    with signups(trial_by_name) as load:
        old = with_promotion(trial_by_name, lambda old: _STRIKES[name](site, old))
        load.wait_for_refusals()
        site.name_primary(site.redis.promoted(old))
        load.wait_for_outcomes()

    judge(trial_by_name, load.client)
