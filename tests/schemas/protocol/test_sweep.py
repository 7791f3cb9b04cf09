"""SWEEP sends lost tasks again, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from schemas.protocol.keys import HELD_KEY, OPEN_KEY, QUEUE, RESENT_KEY, Field, record_key
from schemas.protocol.steps.sweeping import AnotherSweeps, Swept
from schemas.protocol.steps.working import NotStarted
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Callable


GRACE = 1000
"""Milliseconds."""


def new_task_ids(count: int) -> list[str]:
    return [new_task_id() for _ in range(count)]


@pytest.fixture
def lost(scripts: Scripts) -> str:
    """A lost task: a process took its message off the queue, and died before it noted that it holds the task."""
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.lose_message()
    scripts.age(task_id, milliseconds=2 * GRACE)
    return task_id


def test_a_task_whose_message_is_lost_is_sent_again(scripts: Scripts, lost: str) -> None:
    assert scripts.sweep(grace_milliseconds=GRACE) == [lost]
    assert scripts.queued() == [scripts.messages.message(lost)]
    assert (scripts.record(lost)["state"], scripts.record(lost)["sends"]) == ("RETRY", "2")


def test_a_started_task_whose_message_is_lost_is_sent_again_too(scripts: Scripts, lost: str) -> None:
    scripts.start(lost)
    assert scripts.sweep(grace_milliseconds=GRACE) == [lost]


def test_a_task_that_is_younger_than_the_grace_time_is_left_alone(scripts: Scripts) -> None:
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.lose_message()
    assert scripts.sweep(grace_milliseconds=60_000) == []
    assert scripts.queued() == []


def test_a_task_that_waits_in_the_queue_is_not_sent_again_however_old_it_is(scripts: Scripts) -> None:
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.age(task_id, milliseconds=10**9)
    assert scripts.sweep(grace_milliseconds=GRACE) == []
    assert len(scripts.queued()) == 1


def test_a_task_that_a_worker_holds_is_not_sent_again(scripts: Scripts, lost: str) -> None:
    scripts.start(lost, lease_milliseconds=60_000)
    assert scripts.sweep(grace_milliseconds=GRACE) == []


def test_a_task_that_nobody_started_on_is_sent_again_by_the_second_sweep_that_misses_it(
    scripts: Scripts, lost: str
) -> None:
    assert scripts.sweep_once(grace_milliseconds=GRACE) == []
    assert scripts.sweep_once(grace_milliseconds=GRACE, missed_milliseconds=60_000) == []
    assert scripts.sweep_once(grace_milliseconds=GRACE) == [lost]


def test_a_task_whose_lease_has_run_out_is_sent_again(scripts: Scripts, lost: str) -> None:
    scripts.start(lost, lease_milliseconds=0)
    assert scripts.sweep(grace_milliseconds=GRACE) == [lost]
    assert scripts.client.zscore(HELD_KEY, lost) is None


def test_nothing_is_sent_again_while_the_record_of_the_queues_head_is_gone(scripts: Scripts, lost: str) -> None:
    scripts.client.lpush(QUEUE, scripts.messages.message(new_task_id()))
    assert scripts.sweep(grace_milliseconds=GRACE) == []
    scripts.lose_message()
    assert scripts.sweep(grace_milliseconds=GRACE) == [lost]


@pytest.mark.parametrize("resent", [False, True], ids=["as it was taken", "sent again meanwhile"])
def test_tasks_behind_one_that_a_worker_gives_back_do_not_look_lost(scripts: Scripts, resent: bool) -> None:
    taken, behind = ([new_task_id() for _ in range(20)] for _ in range(2))
    for task_id in taken + behind:
        scripts.accept(task_id)
        scripts.age(task_id, milliseconds=100 * GRACE)
    for task_id in taken:
        scripts.lose_message()
        scripts.start(task_id, delivery="mine")
        if resent:
            scripts.client.hset(record_key(task_id), Field.SENT_AT, _now(scripts) - 2 * GRACE)
    for task_id in reversed(taken):
        assert scripts.release(task_id, delivery="mine") == "written"

    assert scripts.sweep(grace_milliseconds=GRACE) == []
    assert scripts.queued() == [scripts.messages.message(task_id) for task_id in taken + behind]


@pytest.mark.parametrize("resent", [False, True], ids=["as it was taken", "sent again meanwhile"])
def test_tasks_behind_one_that_a_worker_puts_back_unstarted_do_not_look_lost(scripts: Scripts, resent: bool) -> None:
    taken, behind = new_task_ids(20), new_task_ids(20)
    scripts.accept_all(taken + behind)
    scripts.age(*taken, *behind, milliseconds=100 * GRACE)
    for task_id in taken:
        scripts.lose_message()
        if resent:
            scripts.send_at(task_id, _now(scripts) - 2 * GRACE)
    assert scripts.put_back(*map(scripts.messages.message, taken)) == 20

    assert scripts.sweep(grace_milliseconds=GRACE) == []
    assert scripts.queued() == [scripts.messages.message(task_id) for task_id in taken + behind]


def test_a_task_that_is_put_back_unstarted_is_held_only_by_a_worker_that_has_started_it_meanwhile(
    scripts: Scripts,
) -> None:
    unstarted, started = new_task_ids(2)
    scripts.accept_all([unstarted, started])
    for task_id in (unstarted, started):
        scripts.lose_message()
        scripts.renew(task_id, lease_milliseconds=60_000)
    scripts.start(started, lease_milliseconds=60_000)
    scripts.put_back(*map(scripts.messages.message, (unstarted, started)))
    assert scripts.client.zrange(HELD_KEY, 0, -1) == [started.encode()]


def test_a_message_that_names_no_task_is_put_back_too(scripts: Scripts) -> None:
    gone = scripts.messages.message(new_task_id())
    scripts.put_back(b"no task's", gone)
    assert scripts.queued() == [b"no task's", gone]


@pytest.mark.parametrize("end", [Scripts.finish, Scripts.park], ids=["outcome", "dead letter"])
def test_a_task_that_has_ended_is_not_sent_again(scripts: Scripts, lost: str, end: object) -> None:
    assert callable(end)
    end(scripts, lost)
    assert scripts.sweep(grace_milliseconds=GRACE) == []


def test_a_task_that_was_sent_before_the_queues_head_and_is_not_in_the_queue_is_sent_again(
    scripts: Scripts, lost: str
) -> None:
    waiting = new_task_id()
    scripts.accept(waiting)
    scripts.age(waiting, milliseconds=GRACE + 500)
    assert scripts.sweep(grace_milliseconds=GRACE) == [lost]
    assert scripts.queued() == [scripts.messages.message(task_id) for task_id in (waiting, lost)]


def test_a_lost_task_behind_the_queues_head_waits_until_what_was_sent_before_it_has_gone(scripts: Scripts) -> None:
    waiting, behind = new_task_id(), new_task_id()
    scripts.accept(behind)
    scripts.lose_message()
    scripts.accept(waiting)
    scripts.age(waiting, milliseconds=10 * GRACE)
    scripts.age(behind, milliseconds=5 * GRACE)
    assert scripts.sweep(grace_milliseconds=GRACE) == []
    scripts.lose_message()
    scripts.finish(waiting)
    assert scripts.sweep(grace_milliseconds=GRACE) == [behind]


def test_the_gap_between_two_sends_doubles_up_to_ten_minutes(scripts: Scripts, lost: str) -> None:
    for sends, gap_seconds in enumerate([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600], 1):
        for milliseconds, resent in [(1000 * gap_seconds - 500, []), (1000 * gap_seconds, [lost])]:
            scripts.client.delete(QUEUE)
            scripts.client.hset(record_key(lost), Field.SENDS, sends)
            scripts.send_at(lost, _now(scripts) - milliseconds)
            assert scripts.sweep(grace_milliseconds=GRACE) == resent


def _now(scripts: Scripts) -> int:
    seconds, microseconds = scripts.client.time()
    return int(1000 * seconds + microseconds // 1000)


# Bounds


def test_tasks_that_wait_in_the_queue_are_not_looked_at_however_many_they_are_and_however_they_came_there(
    scripts: Scripts,
) -> None:
    accepted, requeued = new_task_ids(3_000), new_task_ids(3_000)
    scripts.accept_all(requeued + accepted)
    scripts.age(*requeued, milliseconds=10**6)
    scripts.client.delete(QUEUE)
    scripts.park_all(requeued)
    scripts.age(*accepted, milliseconds=10**5)
    scripts.client.lpush(QUEUE, *map(scripts.messages.message, accepted))
    scripts.requeue_all(requeued)

    assert scripts.sweep_page(grace_milliseconds=0) == Swept(at_end=True, looked_at=0, resent=())
    assert scripts.sweep_page(grace_milliseconds=0) == Swept(at_end=True, looked_at=0, resent=())
    assert scripts.client.llen(QUEUE) == 6_000


def test_a_call_looks_at_a_page_of_tasks_and_the_next_call_at_the_next_page(scripts: Scripts) -> None:
    held = new_task_ids(1234)
    scripts.accept_all(held)
    scripts.client.delete(QUEUE)
    scripts.age(*held, milliseconds=2 * GRACE)
    scripts.start_all(held, lease_milliseconds=60_000)
    calls = [scripts.sweep_page(grace_milliseconds=GRACE, most=100) for _ in range(14)]
    on, end = Swept(at_end=False, looked_at=100, resent=()), Swept(at_end=True, looked_at=34, resent=())
    assert calls == [on] * 12 + [end, on]


@pytest.mark.parametrize("same_time", [False, True], ids=["sent one after the other", "sent at one moment"])
def test_lost_tasks_beyond_one_page_are_all_sent_again_once(scripts: Scripts, same_time: bool) -> None:
    held, lost = new_task_ids(300), new_task_ids(1200)
    scripts.accept_all(held + lost)
    scripts.client.delete(QUEUE)
    sent_at = _now(scripts) - 2 * GRACE
    scripts.send_all_at(
        {task_id: sent_at if same_time else sent_at - number for number, task_id in enumerate(held + lost)}
    )
    scripts.start_all(held, lease_milliseconds=60_000)
    assert scripts.sweep_once(grace_milliseconds=GRACE, most=100) == []
    assert sorted(scripts.sweep_once(grace_milliseconds=GRACE, most=100)) == sorted(lost)
    assert scripts.client.llen(QUEUE) == 1200
    assert scripts.sweep(grace_milliseconds=GRACE, most=100) == []


def test_a_worker_without_the_sweepers_lease_sweeps_nothing(scripts: Scripts, lost: str) -> None:
    assert scripts.sweep_page(grace_milliseconds=GRACE, lease_of="another worker") == AnotherSweeps()
    assert scripts.record(lost).get("missing_at") is None


# Records of the release before. Its index told when a task was accepted


def test_each_task_that_the_release_before_sent_again_is_looked_at_once(scripts: Scripts) -> None:
    waiting = new_task_ids(250)
    scripts.accept_all(waiting)
    scripts.age(*waiting, milliseconds=10 * GRACE)
    for task_id in waiting:
        scripts.client.hset(record_key(task_id), Field.SENT_AT, _now(scripts))
    calls = [scripts.sweep_page(grace_milliseconds=GRACE, most=100) for _ in range(4)]
    assert calls == [Swept(end, count, ()) for end, count in [(False, 100), (False, 100), (True, 50), (True, 0)]]
    assert len(scripts.queued()) == 250


def test_a_lost_task_that_the_release_before_had_sent_again_is_sent_again(scripts: Scripts, lost: str) -> None:
    scripts.client.hset(record_key(lost), Field.SENDS, 2)
    scripts.client.zadd(OPEN_KEY, {lost: _now(scripts) - 100 * GRACE})
    assert scripts.sweep(grace_milliseconds=GRACE // 2) == [lost]


# The oldest open task


def test_a_task_that_is_sent_again_keeps_its_age(scripts: Scripts, lost: str) -> None:
    accepted_at = float(scripts.record(lost)["accepted_at"])
    scripts.sweep(grace_milliseconds=GRACE)
    assert scripts.client.zrange(RESENT_KEY, 0, -1, withscores=True) == [(lost.encode(), accepted_at)]
    assert scripts.client.zscore(OPEN_KEY, lost) == float(scripts.record(lost)["sent_at"])


@pytest.mark.parametrize("end", [Scripts.finish, Scripts.park], ids=["outcome", "dead letter"])
def test_a_task_that_has_ended_is_not_the_oldest(scripts: Scripts, lost: str, end: Callable[..., object]) -> None:
    scripts.sweep(grace_milliseconds=GRACE)
    end(scripts, lost)
    assert scripts.client.zcard(RESENT_KEY) == 0


def test_a_task_that_a_worker_of_the_release_before_has_ended_is_not_the_oldest_for_long(
    scripts: Scripts, lost: str
) -> None:
    scripts.sweep(grace_milliseconds=GRACE)
    accepted_at = scripts.client.zscore(RESENT_KEY, lost)
    assert isinstance(accepted_at, float)
    scripts.finish(lost)
    scripts.client.zadd(RESENT_KEY, {lost: accepted_at})
    scripts.sweep(grace_milliseconds=GRACE)
    assert scripts.client.zcard(RESENT_KEY) == 0


# A clock that was set back. It leaves times in the future behind

HOUR = 3_600_000


def test_a_task_sent_in_the_future_is_missed_like_any_other(scripts: Scripts) -> None:
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.lose_message()
    scripts.age(task_id, milliseconds=-HOUR)
    assert scripts.sweep(grace_milliseconds=0) == [task_id]
    assert _now(scripts) - int(scripts.record(task_id)["sent_at"]) < HOUR / 2


def test_a_task_missed_in_the_future_is_missed_anew(scripts: Scripts, lost: str) -> None:
    scripts.client.hset(record_key(lost), Field.MISSING_AT, _now(scripts) + HOUR)
    assert scripts.sweep(grace_milliseconds=GRACE) == [lost]


def test_a_lease_that_ends_in_the_far_future_is_cut_to_one_lease(scripts: Scripts, lost: str) -> None:
    scripts.start(lost, lease_milliseconds=HOUR)
    assert scripts.sweep(grace_milliseconds=GRACE) == []
    ends = scripts.client.zscore(HELD_KEY, lost)
    assert isinstance(ends, float)
    assert 50_000 < ends - _now(scripts) <= 60_000


def test_a_second_delivery_cuts_a_lease_that_ends_in_the_far_future(scripts: Scripts, lost: str) -> None:
    scripts.start(lost, lease_milliseconds=HOUR)
    assert scripts.start(lost, lease_milliseconds=10) is NotStarted.LEASED
    ends = scripts.client.zscore(HELD_KEY, lost)
    assert isinstance(ends, float)
    assert 50_000 < ends - _now(scripts) <= 60_000


def test_an_open_task_whose_record_is_gone_is_forgotten_and_no_count_accounts_for_it(
    scripts: Scripts, lost: str, removed_by_hand: list[str]
) -> None:
    scripts.client.delete(record_key(lost))
    removed_by_hand.append(lost)
    assert scripts.sweep(grace_milliseconds=GRACE) == []
    assert scripts.open_ids() == set()
    assert scripts.queued() == []
