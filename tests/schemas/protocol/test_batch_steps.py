"""The steps of batches and their chunks, in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from schemas.protocol import batch_keys
from schemas.protocol.batch_keys import CANCELED, PARKED, WAITING
from schemas.protocol.keys import DEAD_KEY, HELD_KEY, record_key, result_key
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.lua_files import load_script
from schemas.protocol.steps import accepting, chunk_working, uploading
from schemas.protocol.steps.accepting import Late, RateLimited
from schemas.protocol.steps.batches import list_batches
from schemas.protocol.steps.chunk_working import RefusedRow
from schemas.protocol.steps.uploading import BatchEnded, ChunkAccepted, RowsFull, TooManyBatches, WorkedBefore
from schemas.protocol.steps.working import NotStarted
from tests.support.batches import Batches

if TYPE_CHECKING:
    import redis

ACCEPTED = ChunkAccepted(known=False)
KNOWN = ChunkAccepted(known=True)


@pytest.fixture
def batches(redis_client: redis.Redis) -> Batches:
    return Batches(redis_client)


@pytest.fixture
def batch_id(batches: Batches) -> str:
    return batches.open()


@pytest.fixture
def chunk_id(batches: Batches, batch_id: str) -> str:
    chunk_id = new_task_id()
    assert batches.accept(batch_id, chunk_id) == ACCEPTED
    return chunk_id


def test_the_scripts_and_python_give_the_same_names_to_keys() -> None:
    text = load_script("accept_chunk").text
    caller, batch_id = "CALLER", "BATCH"
    for name in (
        batch_keys.BATCHES_KEY,
        batch_keys.OPEN_ROWS_KEY,
        batch_keys.WAITING_CHUNKS_KEY,
        CHUNKS.open_key,
        CHUNKS.resent_key,
        CHUNKS.queue,
        DEAD_KEY,
        HELD_KEY,
    ):
        assert f"= '{name}'\n" in text
    for function, made in (
        ("record_of(task_id)", record_key("TASK").removesuffix("TASK")),
        ("batch_of(batch_id)", batch_keys.batch_key(batch_id).removesuffix(batch_id)),
        ("batches_of(caller)", batch_keys.batches_key(caller).removesuffix(caller)),
        ("open_batches_of(caller)", batch_keys.open_batches_key(caller).removesuffix(caller)),
        ("news_of(batch_id)", result_key(batch_id).removesuffix(batch_id)),
    ):
        assert f"local function {function} return '{made}' .. " in text
    assert f"'{batch_keys.chunks_key('')[:-7]}' .. batch_id .. ':chunks'" in text
    assert batch_keys.claims_key(batch_id, 7) == f"{batch_keys.batch_key(batch_id)}:emails:7"


# Upload


def test_a_batch_is_counted_as_its_chunks_are_accepted_and_finished(batches: Batches, batch_id: str) -> None:
    first, second = new_task_id(), new_task_id()
    assert [batches.accept(batch_id, each) for each in (first, second)] == [ACCEPTED, ACCEPTED]
    summary = batches.end(batch_id)
    assert (summary.rows, summary.finished, summary.complete, summary.has_ended) == (8, 0, True, False)
    assert batches.open_rows() == 8

    batches.started(first)
    assert batches.finish(first, counts={"created": 3, "duplicate_key": 1}) == "written"
    assert batches.read(batch_id).outcomes == {"created": 3, "duplicate_key": 1}
    batches.started(second)
    batches.finish(second)

    summary = batches.read(batch_id)
    assert summary.has_ended
    assert summary.finished_at
    assert summary.outcomes == {"created": 7, "duplicate_key": 1}
    assert batches.open_rows() == 0


def test_a_call_that_is_repeated_because_its_answer_was_lost_changes_nothing(batches: Batches, batch_id: str) -> None:
    chunk_id = new_task_id()
    batches.open(batch_id)
    for _ in range(2):
        assert batches.accept(batch_id, chunk_id, first_line=1) == ACCEPTED
    batches.started(chunk_id)
    assert [batches.finish(chunk_id) for _ in range(2)] == ["written", "finished"]
    for _ in range(2):
        summary = batches.end(batch_id)
        assert (summary.rows, summary.finished, batches.queued()) == (4, 4, 1)
    assert batches.open_rows() == 0


def test_nothing_is_begun_or_accepted_after_its_deadline(batches: Batches, batch_id: str) -> None:
    assert batches.try_open(new_task_id(), latest_milliseconds=1) == Late()
    assert batches.accept(batch_id, new_task_id(), latest_milliseconds=1) == Late()
    assert (batches.read(batch_id).rows, batches.queued()) == (0, 0)


def test_where_batches_rows_or_rate_are_over_their_bounds_nothing_is_written(batches: Batches, batch_id: str) -> None:
    assert batches.try_open(new_task_id(), most_open=1) == TooManyBatches()
    assert batches.try_open(new_task_id(), most_open=1, caller="another") == uploading.BatchOpened()
    batches.open(rate_per_second=0.001)
    assert isinstance(batches.try_open(new_task_id(), rate_per_second=0.001), RateLimited)
    batches.accept(batch_id, new_task_id())
    assert batches.accept(batch_id, new_task_id(), most_open_rows=7) == RowsFull()
    assert batches.accept(batch_id, new_task_id(), most_batch_rows=7) == uploading.BatchTooLarge()
    assert (batches.read(batch_id).rows, batches.queued(), batches.open_rows()) == (4, 1, 4)


def test_a_batch_that_has_ended_makes_room_for_another_of_its_caller(batches: Batches, batch_id: str) -> None:
    batches.end(batch_id)
    assert batches.try_open(new_task_id(), most_open=1) == uploading.BatchOpened()


def test_an_upload_that_shows_no_sign_of_life_counts_as_broken_off(batches: Batches) -> None:
    gone, alive = batches.open(upload_seconds=-1), batches.open()
    assert batches.run(uploading.keep_upload(alive, upload_seconds=60))
    batches.settle()
    assert (batches.read(gone).upload_ended, batches.read(gone).complete) == (True, False)
    assert not batches.read(alive).upload_ended
    assert not batches.run(uploading.keep_upload(gone, upload_seconds=60))
    assert batches.accept(gone, new_task_id()) == BatchEnded(canceled=False)
    assert batches.accept(new_task_id(), new_task_id()) == BatchEnded(canceled=False)


# Known chunks: an earlier call has brought them


def test_a_known_chunk_is_worked_once_and_its_created_rows_are_repeated_in_the_later_batch(
    batches: Batches, batch_id: str, chunk_id: str
) -> None:
    later = batches.open()
    assert batches.accept(later, chunk_id, first_line=7) == KNOWN
    assert batches.queued() == 1
    assert batches.open_rows() == 4
    batches.started(chunk_id)
    batches.finish(chunk_id)
    assert batches.read(batch_id).outcomes == {"created": 4}
    assert batches.read(later).outcomes == {"repeated": 4}
    assert [view.known for view in batches.views(batch_id)] == [False]
    assert [view.known for view in batches.views(later)] == [True]

    latest = batches.open()
    assert batches.accept(latest, chunk_id) == KNOWN
    assert batches.read(latest).outcomes == {"repeated": 4}
    assert batches.end(latest).has_ended


def test_a_chunk_twice_in_one_batch_is_worked_once(batches: Batches, batch_id: str, chunk_id: str) -> None:
    assert batches.accept(batch_id, chunk_id, first_line=900) == KNOWN
    batches.started(chunk_id)
    batches.finish(chunk_id)
    assert batches.end(batch_id).outcomes == {"created": 4, "repeated": 4}
    assert batches.read(batch_id).has_ended


def test_a_chunk_with_rows_that_failed_is_worked_again_in_a_record_of_its_own(
    batches: Batches, batch_id: str, chunk_id: str
) -> None:
    batches.started(chunk_id)
    batches.finish(chunk_id, counts={"created": 3, "duplicate_key": 1})
    later, second, third = batches.open(), new_task_id(), new_task_id()
    assert batches.accept(later, chunk_id) == WorkedBefore(1)
    assert batches.accept(later, second, first_id=chunk_id, generation=1) == ACCEPTED
    batches.started(second)
    batches.finish(second, counts={"repeated": 3, "duplicate_key": 1})
    assert batches.accept(later, chunk_id) == WorkedBefore(1)
    assert batches.accept(later, second, first_id=chunk_id, generation=1) == WorkedBefore(2)
    assert batches.accept(later, third, first_id=chunk_id, generation=2) == ACCEPTED
    assert batches.accept(batches.open(), chunk_id) == WorkedBefore(2)
    assert batches.read(batch_id).outcomes == {"created": 3, "duplicate_key": 1}


# Results


def test_results_are_read_by_chunk_in_the_order_of_lines(batches: Batches, batch_id: str) -> None:
    ids = [new_task_id() for _ in range(5)]
    for place, chunk_id in reversed([*enumerate(ids)]):
        batches.accept(batch_id, chunk_id, first_line=1 + 10 * place)
        if place != 2:
            batches.started(chunk_id)
            batches.finish(chunk_id, results=b"of %d" % place)
    views = batches.views(batch_id)
    assert [view.lines for view in views] == ["1+4", "11+4", "21+4", "31+4", "41+4"]
    assert [[each.results for each in view.ranges] for view in views] == [
        [b"of 0"],
        [b"of 1"],
        [],
        [b"of 3"],
        [b"of 4"],
    ]
    assert [view.lines for view in batches.views(batch_id, after=14, most=2)] == ["11+4", "21+4"]
    assert [view.lines for view in batches.views(batch_id, after=99)] == ["41+4"]
    # The id of a chunk is not the id of a signup, so nobody reads a chunk as one.
    assert batches.run(accepting.read(ids[0])) is None


def test_a_caller_s_batches_are_listed_the_newest_first(batches: Batches) -> None:
    ids = [batches.open(caller="lister") for _ in range(3)]
    listed = batches.run(list_batches("lister", most=2))
    assert {each.batch_id for each in listed} <= {*ids}
    assert len(listed) == 2
    assert listed[0].accepted_at >= listed[1].accepted_at


# Order


def test_chunks_of_an_ordered_batch_start_one_after_another(batches: Batches) -> None:
    batch_id = batches.open(ordered=True)
    first, second, third = new_task_id(), new_task_id(), new_task_id()
    for each in (first, second, third):
        batches.accept(batch_id, each)
    assert batches.queued() == 1
    assert batches.take() == first
    batches.started(first)
    assert batches.queued() == 0
    batches.finish(first)
    assert batches.take() == second
    batches.started(second)
    batches.park(second)
    assert batches.take() == third
    assert batches.client.zcard(batch_keys.WAITING_CHUNKS_KEY) == 0


def test_a_chunk_that_waits_for_another_is_not_sent_by_the_sweeper(batches: Batches) -> None:
    batch_id = batches.open(ordered=True)
    first, second = new_task_id(), new_task_id()
    batches.accept(batch_id, first)
    batches.accept(batch_id, second)
    batches.take()
    batches.sweep()
    assert batches.sweep() == (first,)
    assert batches.take() == first


# Halving


def test_a_chunk_is_halved_until_the_row_that_kills_its_worker_is_alone(batches: Batches, batch_id: str) -> None:
    chunk_id = new_task_id()
    batches.accept(batch_id, chunk_id, rows=4)
    batches.end(batch_id)
    for _ in range(2):
        batches.started(chunk_id)
        batches.die(chunk_id)
    assert batches.start(chunk_id, alone=False) == NotStarted.ALONE
    started = batches.started(chunk_id)
    assert (started.first, started.end, started.starts) == (0, 4, 3)
    left, right = batches.split(started)
    assert batches.start(chunk_id) == NotStarted.FINISHED
    assert batches.finish(chunk_id) == "finished"

    good = batches.started(left)
    assert (good.chunk_id, good.first, good.end, good.starts) == (chunk_id, 0, 2, 2)
    assert good.sealed == b"sealed " + chunk_id.encode()
    batches.finish(left, chunk_id, results=b"left", counts={"created": 2})
    assert batches.read(batch_id).finished == 2

    batches.started(right)
    batches.die(right)
    lone, poison = batches.split(batches.started(right))
    batches.started(lone)
    batches.finish(lone, chunk_id, results=b"lone", counts={"created": 1})
    assert not batches.read(batch_id).has_ended
    batches.started(poison)
    assert batches.park(chunk_id) == "written"
    summary = batches.read(batch_id)
    assert summary.has_ended
    assert summary.outcomes == {"created": 3, "internal_error": 1}
    (view,) = batches.views(batch_id)
    assert [(each.first, each.end, each.results) for each in view.ranges] == [
        (0, 2, b"left"),
        (2, 3, b"lone"),
        (3, 4, PARKED),
    ]
    assert batches.client.zrange(DEAD_KEY, 0, -1) == [poison.encode()]
    assert "sealed" in batches.record(chunk_id)

    assert batches.requeue(poison) == "written"
    assert batches.read(batch_id).outcomes == {"created": 3}
    assert batches.views(batch_id)[0].ranges[-1].results == WAITING
    assert batches.take() in {chunk_id, left, right, lone, poison}
    batches.started(poison)
    batches.finish(poison, chunk_id, results=b"mended", counts={"created": 1})
    assert batches.read(batch_id).outcomes == {"created": 4}
    assert batches.views(batch_id)[0].ranges[-1].results == b"mended"
    assert "sealed" not in batches.record(chunk_id)
    assert batches.known_ids() == {chunk_id}


def test_the_halves_of_an_ordered_chunk_run_one_after_another_and_before_the_next_chunk(batches: Batches) -> None:
    batch_id = batches.open(ordered=True)
    first, second = new_task_id(), new_task_id()
    batches.accept(batch_id, first)
    batches.accept(batch_id, second)
    batches.take()
    for _ in range(2):
        batches.started(first)
        batches.die(first)
    left, right = batches.split(batches.started(first))
    assert batches.take() == left
    assert batches.queued() == 0
    batches.started(left)
    batches.finish(left, first, counts={"created": 2})
    assert batches.take() == right
    assert batches.queued() == 0
    batches.started(right)
    batches.finish(right, first, counts={"created": 2})
    assert batches.take() == second


def test_a_row_that_the_database_refuses_is_a_dead_letter_and_the_others_have_their_outcomes(
    batches: Batches, batch_id: str, chunk_id: str
) -> None:
    part = new_task_id()
    batches.started(chunk_id)
    refused = RefusedRow(2, part, "refused_by_validator", "a detail")
    batches.finish(chunk_id, counts={"created": 3, "internal_error": 1}, refused=[refused])
    assert batches.end(batch_id).has_ended
    assert batches.record(part)["reason"] == "refused_by_validator"
    assert batches.requeue(part) == "written"
    (view,) = batches.views(batch_id)
    assert [(each.first, each.end, each.results) for each in view.ranges] == [(0, 4, b"results"), (2, 3, WAITING)]
    assert not batches.read(batch_id).has_ended
    started = batches.started(part)
    assert (started.first, started.end, started.chunk_id) == (2, 3, chunk_id)
    assert started.sealed
    batches.finish(part, chunk_id, results=b"third", counts={"created": 1})
    assert batches.read(batch_id).outcomes == {"created": 4}
    assert batches.open_rows() == 0


def test_a_dead_letter_that_is_dropped_leaves_its_rows_with_an_internal_error(
    batches: Batches, batch_id: str, chunk_id: str
) -> None:
    batches.started(chunk_id)
    assert batches.park(chunk_id) == batches.park(chunk_id) == "written"
    assert batches.record(chunk_id)["detail"] == "more"
    batches.end(batch_id)
    assert batches.start(chunk_id) == NotStarted.PARKED
    batches.settle()
    assert batches.client.ttl(record_key(chunk_id)) == -1
    assert batches.drop(chunk_id) == "written"
    assert batches.read(batch_id).outcomes == {"internal_error": 4}
    assert "sealed" not in batches.record(chunk_id)
    assert batches.client.ttl(record_key(chunk_id)) > 0
    assert batches.client.zcard(DEAD_KEY) == 0


def test_only_the_delivery_that_has_the_chunk_halves_or_parks_it(batches: Batches, chunk_id: str) -> None:
    started = batches.started(chunk_id)
    slow = batches.delivery
    batches.die(chunk_id)
    batches.started(chunk_id)
    batches.delivery = slow
    assert batches.park(chunk_id) == "finished"
    with pytest.raises(AssertionError):
        batches.split(started)
    assert batches.finish(chunk_id) == "written"


# Canceling


def test_rows_that_nobody_has_started_on_are_canceled_some_chunks_a_call(batches: Batches, batch_id: str) -> None:
    ids = [new_task_id() for _ in range(5)]
    for each in ids:
        batches.accept(batch_id, each)
    batches.started(ids[1])
    assert [batches.cancel(batch_id, most=2) for _ in range(3)] == [False, False, True]
    summary = batches.read(batch_id)
    assert (summary.canceled, summary.upload_ended, summary.outcomes) == (True, True, {"canceled": 16})
    assert batches.views(batch_id)[0].ranges[0].results == CANCELED
    assert batches.start(ids[0]) == NotStarted.FINISHED
    assert batches.accept(batch_id, new_task_id()) == BatchEnded(canceled=True)
    batches.finish(ids[1])
    assert batches.read(batch_id).has_ended
    assert batches.open_rows() == 0
    assert batches.cancel(new_task_id()) is None
    assert batches.accept(batches.open(), ids[0]) == WorkedBefore(1)


def test_a_chunk_that_the_cancellation_has_not_reached_is_canceled_when_a_worker_takes_it(batches: Batches) -> None:
    batch_id = batches.open(ordered=True)
    ids = [new_task_id() for _ in range(3)]
    for each in ids:
        batches.accept(batch_id, each)
    batches.cancel(batch_id, most=1)
    assert batches.start(ids[1]) == NotStarted.CANCELED
    assert batches.read(batch_id).outcomes == {"canceled": 8}


def test_a_chunk_that_another_batch_lists_too_is_not_canceled(batches: Batches, batch_id: str, chunk_id: str) -> None:
    other = batches.open()
    batches.accept(other, chunk_id)
    batches.cancel(batch_id)
    batches.started(chunk_id)
    batches.finish(chunk_id)
    assert batches.read(other).outcomes == {"repeated": 4}


def test_a_batch_that_has_ended_cannot_be_canceled(batches: Batches, batch_id: str, chunk_id: str) -> None:
    batches.started(chunk_id)
    batches.finish(chunk_id)
    batches.end(batch_id)
    assert batches.cancel(batch_id)
    assert not batches.read(batch_id).canceled


# Expiry


def test_a_batch_and_its_chunks_expire_together_and_a_chunk_with_the_last_batch_that_lists_it(
    batches: Batches, batch_id: str, chunk_id: str
) -> None:
    later = batches.open()
    batches.accept(later, chunk_id)
    batches.started(chunk_id)
    batches.finish(chunk_id)
    batches.end(batch_id)
    batches.settle(lifetime_seconds=100)
    assert 0 < int(batches.client.ttl(batch_keys.batch_key(batch_id))) <= 100
    assert batches.read(batch_id).expires_at
    assert batches.client.ttl(record_key(chunk_id)) == -1
    batches.end(later)
    batches.settle(lifetime_seconds=1000)
    for key in (record_key(chunk_id), batch_keys.batch_key(later), batch_keys.chunks_key(later)):
        assert 100 < int(batches.client.ttl(key)) <= 1000
    assert batches.client.zcard(batch_keys.BATCHES_KEY) == 0

    again = batches.open()
    assert batches.accept(again, chunk_id) == KNOWN
    assert batches.client.ttl(record_key(chunk_id)) == -1


def test_a_large_batch_is_settled_in_several_calls(batches: Batches, batch_id: str) -> None:
    ids = [new_task_id() for _ in range(5)]
    for each in ids:
        batches.accept(batch_id, each)
        batches.started(each)
        batches.finish(each)
    batches.end(batch_id)
    batches.settle(most=2, lifetime_seconds=100)
    assert all(0 < int(batches.client.ttl(record_key(each))) <= 100 for each in ids)


def test_the_first_row_with_an_email_claims_it_and_the_same_claim_again_gets_the_same_answer(
    batches: Batches, batch_id: str
) -> None:
    claims = [(b"0123456789", b"row-01"), (b"9876543210", b"row-02"), (b"0123456789", b"row-03")]
    for _ in range(2):
        call = chunk_working.claim_emails(batch_id, claims, lifetime_seconds=100)
        assert batches.run(call) == (True, True, False)
    assert batches.run(chunk_working.claim_emails(new_task_id(), claims[2:], lifetime_seconds=100)) == (True,)


# Lost messages and workers


def test_a_chunk_whose_message_or_worker_was_lost_is_sent_again(batches: Batches, chunk_id: str) -> None:
    batches.take()
    batches.sweep()
    assert batches.sweep() == (chunk_id,)
    batches.take()
    batches.started(chunk_id)
    assert batches.sweep() == ()
    batches.die(chunk_id)
    batches.sweep()
    assert batches.sweep() == (chunk_id,)
