"""Steps count what they do, and the balance holds whatever was there before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.ids import new_task_id
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY, record_key
from schemas.protocol.overall import COUNTS_KEY, HISTORY_KEY
from schemas.protocol.steps import overseeing
from schemas.protocol.steps.chunk_working import RefusedRow
from tests.support.batches import Batches

if TYPE_CHECKING:
    from tests.support.records import Scripts


def test_signups_are_counted_by_what_became_of_them(scripts: Scripts) -> None:
    made, refused, requeued, dropped, waiting = ids = [new_task_id() for _ in range(5)]
    scripts.accept_all(ids)
    scripts.accept(made)
    scripts.finish(made)
    scripts.finish(made)
    scripts.finish(refused, outcome="duplicate_key")
    for task_id in (requeued, dropped):
        scripts.park(task_id)
    scripts.requeue(requeued)
    scripts.drop(dropped)

    overview = scripts.overview()

    assert overview.signups.accepted == 5
    assert overview.signups.finished == {"created": 1, "duplicate_key": 1}
    assert (overview.signups.parked, overview.signups.requeued, overview.signups.dropped) == (2, 1, 1)
    assert (overview.signups.open, overview.signups.dead) == (2, 0)
    assert scripts.open_ids() == {requeued, waiting}


def test_rows_are_counted_as_rows_and_those_of_dead_letters_are_no_outcomes(scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    batch_id = batches.open()
    made, parked, canceled, refused = (new_task_id() for _ in range(4))
    for chunk_id in (made, parked, refused, canceled):
        batches.accept(batch_id, chunk_id)
    batches.started(made)
    batches.finish(made, counts={"created": 3, "duplicate_key": 1})
    batches.started(parked)
    batches.park(parked)
    batches.started(refused)
    row = RefusedRow(2, new_task_id(), "a_reason", "")
    batches.finish(refused, counts={"created": 3, "internal_error": 1}, refused=[row])

    rows = scripts.overview().rows
    assert (rows.accepted, rows.finished) == (16, {"created": 6, "duplicate_key": 1})
    assert (rows.parked, rows.dead, rows.open) == (5, 5, 4)

    batches.requeue(parked)
    batches.drop(row.part_id)
    batches.cancel(batch_id)
    overview = scripts.overview()
    rows = overview.rows
    assert (rows.requeued, rows.dropped, rows.dead, rows.open) == (4, 1, 0, 0)
    assert rows.finished == {"created": 6, "duplicate_key": 1, "canceled": 8}
    assert (overview.dead_letters, overview.signups.dead) == (0, 0)


def test_a_chunk_that_is_listed_again_is_not_counted_again(scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    chunk_id = new_task_id()
    for _ in range(2):
        batches.accept(batches.open(), chunk_id)
    assert scripts.overview().rows.accepted == 4


def test_tasks_that_disappear_and_tasks_that_nobody_accepted_are_told(
    scripts: Scripts, accepted: str, removed_by_hand: list[str]
) -> None:
    scripts.client.zrem(OPEN_KEY, accepted)
    assert scripts.overview().unaccounted == 1
    scripts.client.zadd(OPEN_KEY, {"one": 1, "two": 2})
    assert scripts.overview().signups.unaccounted == -1
    removed_by_hand.append(accepted)


@pytest.fixture
def counted_anew(scripts: Scripts) -> None:
    """A store that processes of a release without counts have filled, and in which counting begins."""
    batches = Batches(scripts.client)
    batch_id = batches.open()
    ids = [new_task_id() for _ in range(3)]
    scripts.accept_all(ids)
    scripts.park(ids[0])
    for _ in range(3):
        batches.accept(batch_id, new_task_id())
    chunk_id = batches.take()
    batches.started(chunk_id)
    batches.park(chunk_id)
    scripts.client.delete(COUNTS_KEY, HISTORY_KEY)


@pytest.mark.usefixtures("counted_anew")
def test_a_store_of_a_release_that_did_not_count_is_counted_from_what_is_open_then(scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    assert scripts.overview().unaccounted is None
    (parked,) = (each for each in scripts.dead_ids() if batches.record(each).get("rows"))
    scripts.finish(next(iter(scripts.open_ids())))

    assert scripts.run(overseeing.sample())
    began = scripts.overview()
    batches.requeue(parked)
    for task_id in scripts.open_ids():
        scripts.finish(task_id)

    overview = scripts.overview()
    assert (began.unaccounted, began.signups.dead, began.rows.dead, began.rows.at_first) == (0, 1, 4, 12)
    assert (overview.unaccounted, overview.signups.dead, overview.rows.dead) == (0, 1, 0)
    assert overview.counted_since_milliseconds == pytest.approx(overview.at_milliseconds, abs=60_000)
    assert overview.signups.finished == {"created": 1}


@pytest.mark.usefixtures("counted_anew")
def test_a_dead_letter_that_is_no_record_keeps_no_count_from_beginning(
    scripts: Scripts, removed_by_hand: list[str]
) -> None:
    client: Any = scripts.client
    odd, wrong, missing = (new_task_id() for _ in range(3))
    client.hset(record_key(odd), "rows", "9" * 30)
    client.set(record_key(wrong), "no hash")
    client.zadd(DEAD_KEY, {odd: 1, wrong: 2, missing: 3})

    assert scripts.run(overseeing.sample())

    overview = scripts.overview()
    assert (overview.unaccounted, overview.signups.dead, overview.rows.dead) == (0, 4, 4)
    client.zrem(DEAD_KEY, odd, wrong, missing)
    removed_by_hand += [odd, wrong, missing]


def test_a_count_that_is_off_begins_anew_where_an_operator_says_so(scripts: Scripts, accepted: str) -> None:
    scripts.client.hincrby(COUNTS_KEY, "signups:accepted", 7)
    assert scripts.overview().unaccounted == 7
    scripts.client.hdel(COUNTS_KEY, "since")
    scripts.client.delete(HISTORY_KEY)
    scripts.run(overseeing.sample())
    assert scripts.overview().unaccounted == 0
    scripts.finish(accepted)


def test_a_store_that_was_set_back_to_an_older_copy_accounts_for_all_that_it_has(scripts: Scripts) -> None:
    client: Any = scripts.client
    batches = Batches(client)
    batch_id, chunk_id, unknown_chunk = batches.open(), new_task_id(), new_task_id()
    started, parked, unknown = (new_task_id() for _ in range(3))
    scripts.accept_all([started, parked])
    scripts.start_all([started, parked], lease_milliseconds=60_000)
    batches.accept(batch_id, chunk_id)
    batches.started(chunk_id)
    copy = {key: client.dump(key) for key in client.scan_iter()}

    scripts.accept(unknown)
    scripts.finish(started)
    scripts.park(parked)
    batches.finish(chunk_id)
    batches.accept(batch_id, unknown_chunk)
    client.flushdb()
    for key, value in copy.items():
        client.restore(key, 0, value)

    assert scripts.overview().unaccounted == 0
    assert scripts.finish(unknown) == batches.finish(unknown_chunk) == "unknown"
    assert [scripts.finish(started), scripts.park(parked), batches.finish(chunk_id)] == ["written"] * 3
    overview = scripts.overview()
    assert (overview.unaccounted, overview.signups.dead, overview.rows.finished) == (0, 1, {"created": 4})
