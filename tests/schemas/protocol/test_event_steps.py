"""Steps that end tasks append events; these are read in order, and old ones are removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from schemas.events import row_event
from schemas.ids import new_task_id
from schemas.outcome import Outcome, invalid_email
from schemas.protocol.batch_keys import ChunkField
from schemas.protocol.keys import EVENTS_KEY, EVENTS_TRIMMED_KEY, Field, record_key
from schemas.protocol.steps import eventing
from schemas.protocol.steps.eventing import Events, EventsGone, Trimmed, WhyGone
from tests.support.batches import Batches

if TYPE_CHECKING:
    import redis

    from tests.support.records import Scripts


_CREATED: Final = Outcome(ok=True, customer={"id": "HkhhuXESl"})
"""A row that became a customer."""


def _events(scripts: Scripts, *, after: str = "", most: int = 100) -> Events:
    reply = scripts.run(eventing.read_events(after=after, most=most))
    assert isinstance(reply, Events)
    return reply


def _told(scripts: Scripts) -> list[tuple[str, dict[str, Any]]]:
    return [(event.type, json.loads(event.data)) for event in _events(scripts).events]


def test_an_outcome_is_one_event_however_often_it_is_written(scripts: Scripts, accepted: str) -> None:
    assert [scripts.finish(accepted) for _ in range(2)] == ["written", "finished"]
    (event,) = _events(scripts).events
    assert (event.id, event.type) == (f"evt_{accepted}", "customer.created")
    assert event.at_milliseconds == pytest.approx(int(scripts.client.time()[0]) * 1000, abs=60_000)


def test_each_time_that_a_task_becomes_a_dead_letter_is_an_event_of_its_own(scripts: Scripts, accepted: str) -> None:
    assert [scripts.park(accepted, delivery="parking") for _ in range(2)] == ["finished", "finished"]
    scripts.park(accepted)
    scripts.requeue(accepted)
    scripts.park(accepted)
    scripts.requeue(accepted)
    scripts.finish(accepted)
    assert [event.id for event in _events(scripts).events] == [
        f"evt_{accepted}_parked_1",
        f"evt_{accepted}_parked_2",
        f"evt_{accepted}",
    ]
    assert _told(scripts)[0] == ("customer.create.parked", {"task": accepted, "error": "internal_error"})


def test_a_record_without_a_caller_ends_with_an_event_like_any_other(scripts: Scripts, accepted: str) -> None:
    scripts.client.hdel(record_key(accepted), Field.CALLER)
    assert scripts.park(accepted) == "written"
    scripts.requeue(accepted)
    assert scripts.finish(accepted) == "written"
    assert [event.type for event in _events(scripts).events] == ["customer.create.parked", "customer.created"]


def test_entries_that_are_no_events_are_passed_over(scripts: Scripts, accepted: str) -> None:
    strange: list[dict[str, str]] = [
        {"somebody": "wrote this"},
        {"id": "evt_1", "type": "customer.created", "data": "{}"},
        {"id": "evt_2", "type": "customer.created", "at": "yesterday", "data": "{}"},
    ]
    for fields in strange:
        scripts.client.xadd(EVENTS_KEY, cast("Any", fields))
    place = _events(scripts, most=2).place
    scripts.finish(accepted)
    assert [event.id for event in _events(scripts, after=place).events] == [f"evt_{accepted}"]
    assert [event.id for event in _events(scripts).events] == [f"evt_{accepted}"]


def test_a_batch_that_ends_is_one_event_after_those_of_its_dead_letters(scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    batch_id, chunk_id = batches.open(), new_task_id()
    batches.accept(batch_id, chunk_id)
    batches.end(batch_id)
    assert _told(scripts) == []
    batches.started(chunk_id)
    batches.park(chunk_id)
    assert _told(scripts) == [
        ("customer.create.parked", {"task": chunk_id, "error": "internal_error", "batch": batch_id, "rows": 4}),
        ("customer.create.batch.completed", {"batch": batch_id, "status": "DONE", "rows": 4}),
    ]


def test_rows_have_events_of_their_own_where_they_are_asked_for_and_say_where_they_stand(scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    batch_id, chunk_id = batches.open(), new_task_id()
    batches.accept(batch_id, chunk_id, first_line=7)
    batches.end(batch_id)
    batches.started(chunk_id)
    told = [(0, row_event(invalid_email("a"))), (3, row_event(_CREATED))]
    batches.finish(chunk_id, told=told)
    place = {"task": chunk_id, "batch": batch_id}
    assert _told(scripts) == [
        ("customer.create.failed", {**place, "line": 7, "error": "customer_invalid_email"}),
        ("customer.created", {**place, "line": 10, "customer": "HkhhuXESl"}),
        ("customer.create.batch.completed", {"batch": batch_id, "status": "DONE", "rows": 4}),
    ]
    assert [event.id for event in _events(scripts).events] == [
        f"evt_{chunk_id}_0",
        f"evt_{chunk_id}_3",
        f"evt_{batch_id}",
    ]


def test_a_row_of_a_chunk_that_an_older_release_accepted_is_told_without_its_line(scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    batch_id, chunk_id = batches.open(), new_task_id()
    batches.accept(batch_id, chunk_id)
    scripts.client.hdel(record_key(chunk_id), ChunkField.LINES)
    batches.started(chunk_id)
    batches.finish(chunk_id, told=[(1, row_event(invalid_email("a")))])
    assert _told(scripts) == [
        ("customer.create.failed", {"task": chunk_id, "batch": batch_id, "error": "customer_invalid_email"})
    ]


def test_a_batch_that_was_canceled_says_so(scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    batch_id = batches.open()
    batches.accept(batch_id, new_task_id())
    batches.cancel(batch_id)
    assert _told(scripts) == [
        ("customer.create.batch.completed", {"batch": batch_id, "status": "CANCELED", "rows": 4}),
    ]


def test_events_are_read_on_from_a_place_without_a_gap(scripts: Scripts) -> None:
    ids = _finished(scripts, 5)
    first = _events(scripts, most=2)
    then = _events(scripts, after=first.place, most=2)
    rest = _events(scripts, after=then.place)
    assert [event.id for part in (first, then, rest) for event in part.events] == ids
    assert _events(scripts, after=rest.place) == Events((), rest.place)


def _trim(scripts: Scripts, *, kept: float = -60, unread: float = 60, most: int = 9) -> tuple[int, int]:
    """Trim. All events are older than a negative number of seconds."""
    trimmed = scripts.run(eventing.trim_events(kept_seconds=kept, unread_seconds=unread, most=most))
    assert isinstance(trimmed, Trimmed)
    return trimmed.removed, trimmed.unread


def test_what_was_trimmed_is_told_and_what_was_not_is_read_on(scripts: Scripts) -> None:
    ids = _finished(scripts, 5)
    second, third = _events(scripts, most=2).place, _events(scripts, most=3).place
    assert _trim(scripts, most=3) == (3, 0)
    gone = scripts.run(eventing.read_events(after=second, most=9))
    assert gone == EventsGone(WhyGone.TRIMMED, third)
    assert [event.id for event in _events(scripts, after=third).events] == ids[3:]
    assert [event.id for event in _events(scripts).events] == ids[3:]
    assert [_trim(scripts, most=3) for _ in range(2)] == [(2, 0), (0, 0)]
    newest = scripts.client.get(EVENTS_TRIMMED_KEY)
    assert isinstance(newest, bytes)
    assert _events(scripts, after=newest.decode()).events == ()


def test_young_events_and_those_that_a_consumer_needs_are_kept(scripts: Scripts) -> None:
    _finished(scripts, 4)
    assert _trim(scripts, kept=60) == (0, 0)
    scripts.client.xgroup_create(EVENTS_KEY, "a consumer", id="0")
    assert _trim(scripts) == (0, 0)
    places = _delivered(scripts, 3)
    scripts.client.xack(EVENTS_KEY, "a consumer", places[0], places[2])
    assert _trim(scripts) == (1, 0)
    scripts.client.xack(EVENTS_KEY, "a consumer", places[1])
    assert _trim(scripts) == (1, 0)
    assert len(_events(scripts).events) == 2


def test_a_consumer_that_does_not_move_keeps_events_for_a_longer_time_only(scripts: Scripts) -> None:
    _finished(scripts, 4)
    scripts.client.xgroup_create(EVENTS_KEY, "a consumer", id="0")
    places = _delivered(scripts, 2)
    scripts.client.xack(EVENTS_KEY, "a consumer", *places)
    assert _trim(scripts, unread=-60, most=3) == (3, 1)
    assert _trim(scripts, unread=-60) == (1, 1)


def _delivered(scripts: Scripts, count: int) -> list[bytes]:
    reply: Any = scripts.client.xreadgroup("a consumer", "one", {EVENTS_KEY: ">"}, count=count)
    return [place for place, _ in reply[0][1]]


def test_a_redis_that_lacks_what_a_reader_has_says_so_and_where_to_go_on(
    scripts: Scripts, redis_client: redis.Redis
) -> None:
    _finished(scripts, 1)
    place = _events(scripts).place
    ((_, entry),) = cast("Any", redis_client.xrange(EVENTS_KEY))
    redis_client.delete(EVENTS_KEY)
    assert scripts.run(eventing.read_events(after=place, most=9)) == EventsGone(WhyGone.LOST, "0-0")
    assert _events(scripts) == Events((), "0-0")
    # The server that took over has an event that is much older, one that it took before the lost one, and a newer one.
    at = int(place.partition("-")[0])
    for milliseconds in (at - 61_000, at - 1000, at + 1000):
        redis_client.xadd(EVENTS_KEY, entry, id=f"{milliseconds}-0")
    assert scripts.run(eventing.read_events(after=place, most=9)) == EventsGone(WhyGone.LOST, f"{at - 61_000}-0")


def _finished(scripts: Scripts, count: int) -> list[str]:
    ids = []
    for _ in range(count):
        task_id = new_task_id()
        scripts.accept(task_id)
        scripts.finish(task_id)
        ids.append(f"evt_{task_id}")
    return ids
