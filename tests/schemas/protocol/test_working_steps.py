"""START, RENEW and leases, in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from schemas.protocol.keys import HELD_KEY
from schemas.protocol.overall import COUNTS_KEY, HISTORY_KEY
from schemas.protocol.steps.working import NotStarted
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Callable


# START


def test_every_start_is_counted_and_hands_over_the_request(scripts: Scripts, accepted: str) -> None:
    started = scripts.started(accepted)
    assert (started.sealed, started.fingerprint, started.starts) == (b"sealed", "fp", 1)
    assert started.waited_seconds >= 0
    assert scripts.started(accepted).starts == 2
    assert scripts.record(accepted)["state"] == "STARTED"


def test_after_two_starts_a_task_is_started_only_alone(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted)
    scripts.start(accepted)
    assert scripts.start(accepted) is NotStarted.ALONE
    assert scripts.record(accepted)["starts"] == "2"
    assert scripts.started(accepted, alone=True).starts == 3
    assert scripts.started(accepted, alone=True).starts == 4


@pytest.mark.parametrize(("end", "why"), [(Scripts.finish, NotStarted.FINISHED), (Scripts.park, NotStarted.PARKED)])
def test_a_task_that_has_ended_is_not_started(
    scripts: Scripts, accepted: str, end: Callable[[Scripts, str], str], why: NotStarted
) -> None:
    end(scripts, accepted)
    before = scripts.record(accepted)
    assert scripts.start(accepted) == scripts.start(accepted, alone=True) == why
    assert scripts.record(accepted) == before


def test_no_step_makes_a_record_of_a_task_that_is_unknown(scripts: Scripts, task_id: str) -> None:
    assert scripts.start(task_id) is NotStarted.UNKNOWN
    steps = (scripts.finish, scripts.release, scripts.defer, scripts.park, scripts.requeue, scripts.drop)
    assert [step(task_id) for step in steps] == ["unknown"] * 6
    assert set(scripts.client.keys()) == {COUNTS_KEY.encode(), HISTORY_KEY.encode()}


# Leases


def test_a_second_delivery_is_told_that_the_task_is_held(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, lease_milliseconds=60_000)
    assert scripts.start(accepted, lease_milliseconds=60_000) is NotStarted.LEASED
    assert scripts.record(accepted)["starts"] == "1"


def test_a_delivery_that_did_not_get_the_reply_starts_again_and_counts_once(scripts: Scripts, accepted: str) -> None:
    first = scripts.started(accepted, delivery="mine", lease_milliseconds=60_000)
    second = scripts.started(accepted, delivery="mine", lease_milliseconds=60_000)
    assert (first.sealed, first.fingerprint, first.starts) == (second.sealed, second.fingerprint, second.starts)
    assert scripts.record(accepted)["starts"] == "1"


def test_a_task_whose_lease_has_run_out_is_started_by_the_next_delivery(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, lease_milliseconds=0)
    scripts.started(accepted, lease_milliseconds=60_000)


def test_a_renewed_lease_lasts_and_the_lease_of_a_task_that_is_gone_does_not_come_back(
    scripts: Scripts, accepted: str
) -> None:
    scripts.start(accepted, delivery="mine", lease_milliseconds=0)
    scripts.renew(accepted, new_task_id(), lease_milliseconds=60_000)
    assert scripts.start(accepted) is NotStarted.LEASED
    assert scripts.client.zcard(HELD_KEY) == 1


def test_a_delivery_does_not_renew_the_lease_that_another_delivery_has_taken(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="other", lease_milliseconds=0)
    scripts.renew(accepted, lease_milliseconds=60_000)
    scripts.started(accepted)


def test_a_task_that_was_taken_and_not_started_is_held_and_can_be_started(scripts: Scripts, accepted: str) -> None:
    scripts.lose_message()  # A worker has taken it.
    scripts.age(accepted, milliseconds=10_000)
    scripts.renew(accepted, lease_milliseconds=60_000)
    assert scripts.sweep() == []
    scripts.started(accepted, delivery="mine")


@pytest.mark.parametrize("end", ["finish", "park"])
def test_the_lease_of_a_task_that_has_ended_stays_ended(scripts: Scripts, accepted: str, end: str) -> None:
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    getattr(scripts, end)(accepted)
    scripts.renew(accepted, lease_milliseconds=60_000)
    assert scripts.client.zcard(HELD_KEY) == 0


@pytest.mark.parametrize("end", ["finish", "park", "release"])
def test_a_lease_ends_when_its_task_ends(scripts: Scripts, accepted: str, end: str) -> None:
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    getattr(scripts, end)(accepted)
    assert scripts.client.zcard(HELD_KEY) == 0
