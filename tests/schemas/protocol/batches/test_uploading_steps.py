"""OPEN_BATCH, ACCEPT_CHUNK and END_UPLOAD, in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.ids import new_task_id
from schemas.protocol import batch_keys
from schemas.protocol.keys import DEAD_KEY, HELD_KEY, record_key, result_key
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.lua_files import load_script
from schemas.protocol.steps import uploading
from schemas.protocol.steps.accepting import Late, RateLimited
from schemas.protocol.steps.uploading import BatchEnded, ChunkAccepted, RowsFull, TooManyBatches, WorkedBefore

if TYPE_CHECKING:
    from tests.support.batches import Batches

ACCEPTED = ChunkAccepted(known=False)
KNOWN = ChunkAccepted(known=True)


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
