"""Pauses grow, are bounded, differ from each other, heed the receiver, and end after days."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from notifier.retries import Retries

DAY: Final = 86400.0


def retries(**changes: float) -> Retries:
    settings = {"first_seconds": 5.0, "longest_seconds": 21600.0, "give_up_seconds": 3 * DAY, **changes}
    return Retries(**settings, jitter=lambda _least, _most: 1.0)


def schedule(of: Retries, *, asked_seconds: float | None = None) -> list[float]:
    """The pauses of an event that is never delivered, where a try itself takes no time."""
    since = 0.0
    pauses: list[float] = []
    for tries in itertools.count(1):
        pause = of.pause_seconds(tries, since_first_seconds=since, asked_seconds=asked_seconds)
        if pause is None:
            return pauses
        pauses.append(pause)
        since += pause
    raise AssertionError


def test_pauses_grow_to_the_longest_and_end_with_a_last_try_after_three_days() -> None:
    pauses = schedule(retries())
    assert pauses[:8] == [5, 15, 45, 135, 405, 1215, 3645, 10935]
    assert set(pauses[8:-1]) == {21600}
    assert sum(pauses) == 3 * DAY
    assert len(pauses) < 25


def test_events_that_failed_together_do_not_come_back_together() -> None:
    of = Retries(first_seconds=100, longest_seconds=1000, give_up_seconds=DAY)
    pauses = {of.pause_seconds(1, since_first_seconds=0, asked_seconds=None) for _ in range(20)}
    assert len(pauses) > 10
    assert all(pause is not None and 80 <= pause <= 120 for pause in pauses)


@pytest.mark.parametrize(("asked", "pause"), [(None, 5), (0, 5), (3, 5), (60, 60), (1e9, 21600)])
def test_a_receiver_may_ask_for_a_longer_pause_but_not_beyond_the_longest(asked: float | None, pause: float) -> None:
    assert retries().pause_seconds(1, since_first_seconds=0, asked_seconds=asked) == pause


def test_a_receiver_that_always_asks_to_wait_is_given_up_too() -> None:
    assert sum(schedule(retries(), asked_seconds=1e9)) == 3 * DAY


def test_however_many_tries_there_were_the_pause_is_a_number() -> None:
    assert retries().pause_seconds(10**9, since_first_seconds=0, asked_seconds=None) == 21600


def test_settings_can_shorten_all_of_it() -> None:
    assert sum(schedule(retries(first_seconds=0.01, longest_seconds=0.05, give_up_seconds=0.2))) == pytest.approx(0.2)
