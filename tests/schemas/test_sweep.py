"""SWEEP sends again what is lost, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from schemas.task_record import HELD_KEY, OPEN_KEY, QUEUE, Field, record_key
from tests.support.records import Scripts

if TYPE_CHECKING:
    import redis

GRACE = 1000
"""Milliseconds."""


@pytest.fixture
def scripts(redis_client: redis.Redis) -> Scripts:
    return Scripts(redis_client)


@pytest.fixture
def lost(scripts: Scripts) -> str:
    """A task whose message was taken off the queue by a process that died before it booked it."""
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.lose_message()
    scripts.age(task_id, milliseconds=2 * GRACE)
    return task_id


def test_a_task_whose_message_is_lost_is_sent_again(scripts: Scripts, lost: str) -> None:
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1, lost]
    assert scripts.queued() == [scripts.messages.message(lost)]
    assert (scripts.record(lost)["state"], scripts.record(lost)["sends"]) == ("RETRY", "2")


def test_a_started_task_whose_message_is_lost_is_sent_again_too(scripts: Scripts, lost: str) -> None:
    scripts.start(lost)
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1, lost]


def test_a_task_that_is_younger_than_the_grace_time_is_left_alone(scripts: Scripts) -> None:
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.lose_message()
    assert scripts.sweep(grace_milliseconds=60_000) == [-1]
    assert scripts.queued() == []


def test_a_task_that_waits_in_the_queue_is_not_sent_again_however_old_it_is(scripts: Scripts) -> None:
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.age(task_id, milliseconds=10**9)
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1]
    assert len(scripts.queued()) == 1


def test_a_task_that_a_worker_holds_is_not_sent_again(scripts: Scripts, lost: str) -> None:
    scripts.start(lost, lease_milliseconds=60_000)
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1]


def test_a_task_that_nobody_started_on_is_sent_again_by_the_second_sweep_that_misses_it(
    scripts: Scripts, lost: str
) -> None:
    assert scripts.sweep_once(grace_milliseconds=GRACE) == [-1]
    assert scripts.sweep_once(grace_milliseconds=GRACE, missed_milliseconds=60_000) == [-1]
    assert scripts.sweep_once(grace_milliseconds=GRACE) == [-1, lost]


def test_a_task_whose_lease_has_run_out_is_sent_again(scripts: Scripts, lost: str) -> None:
    scripts.start(lost, lease_milliseconds=0)
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1, lost]
    assert scripts.client.zscore(HELD_KEY, lost) is None


def test_nothing_is_sent_again_while_the_record_of_the_queues_head_is_gone(scripts: Scripts, lost: str) -> None:
    scripts.client.lpush(QUEUE, scripts.messages.message(new_task_id()))
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1]
    scripts.lose_message()
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1, lost]


@pytest.mark.parametrize("resent", [False, True], ids=["as it was taken", "sent again meanwhile"])
def test_what_a_worker_gives_back_makes_nothing_behind_it_look_lost(scripts: Scripts, resent: bool) -> None:
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

    assert scripts.sweep(grace_milliseconds=GRACE) == [-1]
    assert scripts.queued() == [scripts.messages.message(task_id) for task_id in taken + behind]


@pytest.mark.parametrize("end", [Scripts.finish, Scripts.park], ids=["outcome", "dead letter"])
def test_a_task_that_has_ended_is_not_sent_again(scripts: Scripts, lost: str, end: object) -> None:
    assert callable(end)
    end(scripts, lost)
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1]


def test_what_was_sent_before_the_queues_head_and_is_gone_is_sent_again(scripts: Scripts, lost: str) -> None:
    waiting = new_task_id()
    scripts.accept(waiting)
    scripts.age(waiting, milliseconds=GRACE + 500)
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1, lost]
    assert scripts.queued() == [scripts.messages.message(task_id) for task_id in (waiting, lost)]


def test_a_lost_task_behind_the_queues_head_waits_until_what_was_sent_before_it_has_gone(scripts: Scripts) -> None:
    waiting, behind = new_task_id(), new_task_id()
    scripts.accept(behind)
    scripts.lose_message()
    scripts.accept(waiting)
    scripts.age(waiting, milliseconds=10 * GRACE)
    scripts.age(behind, milliseconds=5 * GRACE)
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1]
    scripts.lose_message()
    scripts.finish(waiting)
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1, behind]


def test_the_gap_between_two_sends_doubles_up_to_ten_minutes(scripts: Scripts, lost: str) -> None:
    gaps = []
    for sends in range(1, 15):
        scripts.client.delete(QUEUE)
        scripts.client.hset(record_key(lost), Field.SENDS, sends)
        # Sent again within (low, high] milliseconds after it was last sent.
        low, high = 0, 1_000_000
        while high - low > 500:
            middle = (low + high) // 2
            scripts.client.hset(record_key(lost), Field.SENDS, sends)
            scripts.client.hset(record_key(lost), Field.SENT_AT, _now(scripts) - middle)
            scripts.client.zadd(OPEN_KEY, {lost: 0})
            scripts.client.delete(QUEUE)
            low, high = (low, middle) if len(scripts.sweep(grace_milliseconds=GRACE)) > 1 else (middle, high)
        gaps.append(round(high / 1000))
    assert gaps == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600]


def _now(scripts: Scripts) -> int:
    seconds, microseconds = scripts.client.time()
    return int(1000 * seconds + microseconds // 1000)


def test_of_a_backlog_of_3000_old_tasks_nothing_is_sent_again(scripts: Scripts) -> None:
    for _ in range(3000):
        scripts.accept(new_task_id())
    for task_id in scripts.open_ids():
        scripts.age(task_id, milliseconds=10**6)
    rank, resent = 0, []
    while rank >= 0:
        rank, *page = scripts.sweep(grace_milliseconds=GRACE, first=rank)
        resent += page
    assert resent == []
    assert len(scripts.queued()) == 3000


def test_lost_tasks_beyond_one_page_are_all_sent_again_once(scripts: Scripts) -> None:
    task_ids = [new_task_id() for _ in range(1200)]
    for task_id in task_ids:
        scripts.accept(task_id)
        scripts.lose_message()
        scripts.age(task_id, milliseconds=2 * GRACE)
    rank, resent, calls = 0, [], 0
    while rank >= 0:
        rank, *page = scripts.sweep(grace_milliseconds=GRACE, first=rank)
        assert len(page) <= 500
        resent += page
        calls += 1
    assert sorted(resent) == sorted(task_ids)
    assert calls == 3
    assert len(scripts.queued()) == 1200


def test_an_open_task_whose_record_is_gone_is_forgotten(scripts: Scripts, lost: str) -> None:
    scripts.client.delete(record_key(lost))
    assert scripts.sweep(grace_milliseconds=GRACE) == [-1]
    assert scripts.open_ids() == set()
    assert scripts.queued() == []
