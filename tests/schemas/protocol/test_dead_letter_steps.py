"""PARK, REQUEUE and DROP, in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.protocol.keys import EVENTS_KEY, RESENT_KEY, State, record_key, result_key
from schemas.protocol.overall import COUNTS_KEY, HISTORY_KEY
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_dead_letter_keeps_its_request_and_its_reason_and_never_expires(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted)
    assert scripts.park(accepted, reason="too_many_starts") == "written"
    record = scripts.record(accepted)
    assert (record["state"], record["reason"], record["sealed"]) == ("FAILURE", "too_many_starts", "sealed")
    assert (scripts.open_ids(), scripts.dead_ids()) == (set(), {accepted})
    assert scripts.client.ttl(record_key(accepted)) == -1


def test_a_task_with_an_outcome_cannot_become_a_dead_letter(scripts: Scripts, accepted: str) -> None:
    scripts.finish(accepted, b'{"a": 1}')
    assert scripts.park(accepted) == "finished"
    assert scripts.found(accepted) == ("me", State.SUCCESS, b'{"a": 1}')
    assert scripts.dead_ids() == set()


def test_only_the_delivery_that_holds_a_task_can_make_it_a_dead_letter(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="frozen")
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    assert scripts.park(accepted, delivery="frozen") == "finished"
    assert (scripts.record(accepted)["state"], scripts.dead_ids()) == ("STARTED", set())
    assert scripts.park(accepted, delivery="mine") == "written"


def test_a_worker_that_was_frozen_does_not_undo_what_an_operator_has_done(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="frozen")
    assert scripts.park(accepted, delivery="frozen") == "written"
    scripts.requeue(accepted)
    assert scripts.park(accepted, delivery="frozen") == "finished"
    assert (scripts.record(accepted)["state"], scripts.dead_ids()) == ("PENDING", set())
    assert scripts.client.get(result_key(accepted)) is None


def test_a_delivery_that_did_not_get_the_reply_and_parks_the_task_again_parks_it_once(
    scripts: Scripts, accepted: str
) -> None:
    scripts.start(accepted, delivery="mine")
    assert [scripts.park(accepted, delivery="mine", detail="an index") for _ in range(2)] == ["written"] * 2
    assert scripts.record(accepted)["detail"] == "an index"
    scripts.requeue(accepted)
    assert "detail" not in scripts.record(accepted)


def test_requeueing_a_dead_letter_sends_it_again_and_its_starts_count_from_zero(
    scripts: Scripts, accepted: str
) -> None:
    for _ in range(4):
        scripts.start(accepted, alone=True)
    scripts.lose_message()
    scripts.park(accepted)
    assert scripts.requeue(accepted) == "written"
    record = scripts.record(accepted)
    assert (record["state"], record["starts"], record["sends"]) == ("PENDING", "0", "2")
    assert not {"reason", "finished_at"} & record.keys()
    assert (scripts.open_ids(), scripts.dead_ids()) == ({accepted}, set())
    assert scripts.queued() == [scripts.messages.message(accepted)]
    assert scripts.found(accepted) == ("me", State.PENDING, None)
    assert scripts.started(accepted).starts == 1


def test_the_age_of_a_requeued_task_counts_from_when_it_was_accepted(scripts: Scripts, accepted: str) -> None:
    scripts.park(accepted)
    scripts.requeue(accepted)
    assert scripts.client.zscore(RESENT_KEY, accepted) == int(scripts.record(accepted)["accepted_at"])


def test_dropping_a_dead_letter_leaves_nothing_of_it(scripts: Scripts, accepted: str) -> None:
    scripts.lose_message()
    scripts.park(accepted)
    assert scripts.drop(accepted) == "written"
    # The event that told of it stays for those who read events, and so do the counts.
    assert set(scripts.client.keys()) == {EVENTS_KEY.encode(), COUNTS_KEY.encode(), HISTORY_KEY.encode()}


@pytest.mark.parametrize("step", [Scripts.requeue, Scripts.drop])
def test_only_a_dead_letter_can_be_requeued_or_dropped(
    scripts: Scripts, accepted: str, step: Callable[[Scripts, str], str]
) -> None:
    before = scripts.record(accepted)
    assert step(scripts, accepted) == "finished"
    assert scripts.record(accepted) == before
    scripts.finish(accepted)
    assert step(scripts, accepted) == "finished"
    assert scripts.record(accepted)["state"] == "SUCCESS"
