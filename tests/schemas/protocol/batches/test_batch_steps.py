"""Reading, canceling and expiring a batch, in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.ids import new_task_id
from schemas.protocol import batch_keys
from schemas.protocol.batch_keys import CANCELED
from schemas.protocol.keys import record_key
from schemas.protocol.steps import accepting, chunk_working
from schemas.protocol.steps.batches import Canceling, list_batches
from schemas.protocol.steps.uploading import BatchEnded, ChunkAccepted, WorkedBefore
from schemas.protocol.steps.working import NotStarted

if TYPE_CHECKING:
    from tests.support.batches import Batches

KNOWN = ChunkAccepted(known=True)


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


# Canceling


def test_rows_that_nobody_has_started_on_are_canceled_some_chunks_a_call(batches: Batches, batch_id: str) -> None:
    ids = [new_task_id() for _ in range(5)]
    for each in ids:
        batches.accept(batch_id, each)
    batches.started(ids[1])
    assert [batches.cancel(batch_id, most=2) for _ in range(4)] == [
        Canceling(is_over=False, changed=True),
        Canceling(is_over=False, changed=False),
        *[Canceling(is_over=True, changed=False)] * 2,
    ]
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
    assert batches.cancel(batch_id) == Canceling(is_over=True, changed=False)
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
