"""Redis' primary comes back while another one is being promoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.partitions.harness.signups import signups
from tests.partitions.harness.troubles import with_promotion

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.harness.history import Client
    from tests.partitions.conftest import Judge
    from tests.partitions.harness.site import Trial

pytestmark = pytest.mark.slow


def test_a_primary_comes_back_while_another_is_promoted(
    trial: Trial, judge: Judge, note: Callable[[str], None]
) -> None:
    """For a moment it has one replica still, which confirms what Sentinels then throw away.

    One copy is not enough there: docs/reliability.md names it among the residual races.
    """
    verdict = judge(trial, _back_too_soon(trial), kept=False)
    note(f"back while another was promoted: one copy lost {verdict.lost} of {verdict.accepted} promises")


def test_two_copies_outlive_a_primary_that_comes_back_while_another_is_promoted(
    trial_of_two_copies: Trial, judge: Judge
) -> None:
    judge(trial_of_two_copies, _back_too_soon(trial_of_two_copies))


def _back_too_soon(trial: Trial) -> Client:
    with signups(trial, follow=False) as load:
        for _ in range(3):
            old = with_promotion(trial, lambda old: old.cable.unplug())
            old.cable.plug()
            load.wait_for_promises()
            trial.site.mend()
    return load.client
