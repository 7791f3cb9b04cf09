"""The order of chunks, halving them, and finding lost ones again, in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from schemas.protocol import batch_keys
from schemas.protocol.batch_keys import PARKED, WAITING
from schemas.protocol.keys import DEAD_KEY, RECORD_FORM, record_key
from schemas.protocol.steps.chunk_working import RefusedRow
from schemas.protocol.steps.working import NotStarted

if TYPE_CHECKING:
    from tests.support.batches import Batches


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
    assert {batches.record(each)["form"] for each in (chunk_id, left, right)} == {str(RECORD_FORM)}
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
