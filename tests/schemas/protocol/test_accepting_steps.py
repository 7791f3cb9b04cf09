"""ACCEPT and READ, in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.ids import new_task_id
from schemas.protocol.keys import OPEN_KEY, RECORD_FORM, State, rate_key, record_key
from schemas.protocol.steps.accepting import Accepted, KeyReused, Late, QueueFull, RateLimited

if TYPE_CHECKING:
    from schemas.protocol.steps.accepting import AcceptReply
    from tests.support.records import Scripts

ACCEPTED = Accepted(State.PENDING, known=False)
KNOWN = Accepted(State.PENDING, known=True)


# ACCEPT


def test_accepting_writes_the_record_the_open_task_and_the_message_together(scripts: Scripts, task_id: str) -> None:
    assert scripts.accept(task_id, fingerprint="fp", sealed=b"\x00\xff", caller="me") == ACCEPTED
    record = scripts.record(task_id)
    assert scripts.client.hget(record_key(task_id), "sealed") == b"\x00\xff"
    assert (record["fingerprint"], record["caller"], record["state"]) == ("fp", "me", "PENDING")
    assert (record["form"], record["sends"], record["starts"]) == (str(RECORD_FORM), "1", "0")
    assert record["accepted_at"] == record["sent_at"]
    assert scripts.open_ids() == {task_id}
    assert scripts.queued() == [scripts.messages.message(task_id)]


def test_an_open_task_never_expires(scripts: Scripts, accepted: str) -> None:
    assert scripts.client.ttl(record_key(accepted)) == -1
    assert scripts.client.ttl(OPEN_KEY) == -1


def test_accepting_the_same_request_again_changes_nothing_and_tells_the_state_of_the_task(
    scripts: Scripts, accepted: str
) -> None:
    scripts.start(accepted)
    before = scripts.record(accepted)
    assert scripts.accept(accepted, sealed=b"sealed anew") == Accepted(State.STARTED, known=True)
    assert scripts.record(accepted) == before
    assert len(scripts.queued()) == 1


def test_a_repeat_after_the_outcome_makes_no_second_task(scripts: Scripts, accepted: str) -> None:
    scripts.finish(accepted)
    assert scripts.accept(accepted) == Accepted(State.SUCCESS, known=True)
    assert scripts.open_ids() == set()
    assert len(scripts.queued()) == 1


def test_another_request_under_a_used_id_is_refused(scripts: Scripts, accepted: str) -> None:
    before = scripts.record(accepted)
    assert scripts.accept(accepted, fingerprint="another") == KeyReused()
    assert scripts.record(accepted) == before
    assert len(scripts.queued()) == 1


def test_where_as_many_tasks_are_open_as_may_be_nothing_is_written(scripts: Scripts, task_id: str) -> None:
    assert scripts.accept(new_task_id(), most_open=2) == ACCEPTED
    assert scripts.accept(new_task_id(), most_open=2) == ACCEPTED
    assert scripts.accept(task_id, most_open=2) == QueueFull()
    assert scripts.record(task_id) == {}
    assert len(scripts.queued()) == 2


def test_a_repeat_is_answered_also_when_the_queue_is_full(scripts: Scripts, accepted: str) -> None:
    assert scripts.accept(accepted, most_open=1) == KNOWN


def test_a_task_that_ends_makes_room_for_another(scripts: Scripts, accepted: str, task_id: str) -> None:
    del task_id
    other = new_task_id()
    assert scripts.accept(other, most_open=1) == QueueFull()
    scripts.finish(accepted)
    assert scripts.accept(other, most_open=1) == ACCEPTED


def test_a_caller_over_its_rate_is_told_how_long_to_wait_and_nothing_is_written(scripts: Scripts) -> None:
    def accept(task_id: str) -> AcceptReply:
        return scripts.accept(task_id, rate_per_second=1 / 60, rate_burst=3)

    assert [accept(new_task_id()) for _ in range(3)] == [ACCEPTED] * 3
    refused = new_task_id()
    reply = accept(refused)
    assert isinstance(reply, RateLimited)
    assert 55 < reply.retry_after_seconds <= 60
    assert scripts.record(refused) == {}
    assert len(scripts.open_ids()) == len(scripts.queued()) == 3


def test_being_refused_does_not_make_the_wait_longer(scripts: Scripts) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1 / 60, "rate_burst": 1}
    scripts.accept(new_task_id(), **rate)
    replies = [scripts.accept(new_task_id(), **rate) for _ in range(5)]
    waits = [each.retry_after_seconds for each in replies if isinstance(each, RateLimited)]
    assert len(waits) == 5
    assert waits == sorted(waits, reverse=True)


def test_a_call_after_its_deadline_changes_nothing_but_is_told_of_a_task_that_was_accepted_before(
    scripts: Scripts, accepted: str
) -> None:
    """The shim answers 503 at the deadline, so nothing may be accepted after it. An earlier task may still be told."""
    assert scripts.accept(accepted, latest_milliseconds=1) == KNOWN
    before = set(scripts.client.keys())
    late = new_task_id()
    assert scripts.accept(late, latest_milliseconds=1, rate_per_second=1000, rate_burst=1) == Late()
    assert set(scripts.client.keys()) == before
    assert scripts.accept(late, latest_milliseconds=10**14) == ACCEPTED


def test_a_debt_from_a_clock_that_was_set_back_is_cut_to_the_burst(scripts: Scripts) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1, "rate_burst": 60}
    scripts.client.set(rate_key("me"), 10**15, px=3_600_000)
    assert scripts.accept(new_task_id(), **rate) == RateLimited(1)
    # The debt is cut in Redis as well, or the next call would find it again.
    assert int(scripts.client.pttl(rate_key("me"))) <= 60_000
    assert float(scripts.client.get(rate_key("me"))) < 10**14  # type: ignore[arg-type]


def test_a_caller_may_go_on_once_enough_time_has_passed(scripts: Scripts) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1 / 60, "rate_burst": 1}
    scripts.accept(new_task_id(), **rate)
    assert isinstance(scripts.accept(new_task_id(), **rate), RateLimited)
    scripts.client.incrby(rate_key("me"), -60_000)  # This is as if a minute had passed.
    assert scripts.accept(new_task_id(), **rate) == ACCEPTED


def test_the_rate_of_one_caller_does_not_limit_another(scripts: Scripts) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1 / 60, "rate_burst": 1}
    assert scripts.accept(new_task_id(), caller="me", **rate) == ACCEPTED
    assert scripts.accept(new_task_id(), caller="you", **rate) == ACCEPTED
    assert isinstance(scripts.accept(new_task_id(), caller="me", **rate), RateLimited)


def test_a_callers_place_in_the_rate_limit_expires_once_it_is_paid_for(scripts: Scripts) -> None:
    scripts.accept(new_task_id(), rate_per_second=2000, rate_burst=2)
    scripts.accept(new_task_id(), caller="you", rate_per_second=1 / 60, rate_burst=1)
    assert 0 < scripts.client.pttl(rate_key("you")) <= 60_000


def test_a_repeat_costs_the_caller_nothing(scripts: Scripts, task_id: str) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1 / 60, "rate_burst": 1}
    scripts.accept(task_id, **rate)
    assert scripts.accept(task_id, **rate) == KNOWN


# READ


def test_reading_a_task_tells_its_caller_its_state_and_its_outcome(scripts: Scripts, accepted: str) -> None:
    assert scripts.found(accepted) == ("me", State.PENDING, None)
    scripts.finish(accepted, b'{"a": 1}')
    assert scripts.found(accepted) == ("me", State.SUCCESS, b'{"a": 1}')
    assert scripts.read(new_task_id()) is None
