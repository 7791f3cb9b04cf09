"""Steps count what they do, and one look tells all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.ids import new_task_id
from schemas.protocol.batch_keys import batch_key
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY, PAUSED_KEY, record_key
from schemas.protocol.overall import COUNTS_KEY, HISTORY_KEY
from schemas.protocol.overview import UnitSample
from schemas.protocol.steps import overseeing
from schemas.protocol.steps.chunk_working import RefusedRow
from schemas.protocol.steps.pausing import Paused, pause, read_pause
from tests.support.batches import Batches

if TYPE_CHECKING:
    from tests.support.records import Scripts

# Counts


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


# Samples


def _another_second(scripts: Scripts, milliseconds: int) -> None:
    """Keep a sample as if the one before was kept so much earlier."""
    old: Any = scripts.client.xrange(HISTORY_KEY)
    scripts.client.delete(HISTORY_KEY)
    for place, told in old:
        fields = {
            name: int(value) - milliseconds if name in {b"at", b"signups_busy_since"} else value
            for name, value in told.items()
        }
        at, _, number = place.decode().partition("-")
        scripts.client.xadd(HISTORY_KEY, fields, id=f"{int(at) - milliseconds}-{number}")
    assert scripts.run(overseeing.sample())


def test_a_second_has_one_sample_whoever_asks(scripts: Scripts) -> None:
    scripts.client.delete(HISTORY_KEY)
    kept = [scripts.run(overseeing.sample()) for _ in range(20)]
    samples = scripts.run(overseeing.read_history())
    assert kept.count(True) == len(samples) <= 2


def test_samples_tell_what_was_counted_and_are_read_on_from_a_place(scripts: Scripts, accepted: str) -> None:
    _another_second(scripts, 1000)
    first = scripts.run(overseeing.read_history())
    scripts.finish(accepted)
    _another_second(scripts, 1000)

    (newest,) = scripts.run(overseeing.read_history(after=_moved(first[-1].place, -1000)))

    assert (first[-1].signups.accepted, first[-1].signups.finished, first[-1].signups.open) == (1, 0, 1)
    assert newest.signups == UnitSample(accepted=1, finished=1, open=0, busy_since_milliseconds=None, busy_from=0)
    assert scripts.overview().newest == newest


def _moved(place: str, milliseconds: int) -> str:
    at, _, number = place.partition("-")
    return f"{int(at) + milliseconds}-{number}"


def test_the_rate_is_that_of_the_time_in_which_there_was_something_to_do(scripts: Scripts) -> None:
    ids = [new_task_id() for _ in range(30)]
    _another_second(scripts, 40_000)
    scripts.accept_all(ids)
    _another_second(scripts, 2_000)
    assert scripts.overview().signups_per_second is None
    for task_id in ids[:20]:
        scripts.finish(task_id)
    _another_second(scripts, 10_000)
    assert scripts.overview().signups_per_second == pytest.approx(2.0, rel=0.1)
    for task_id in ids[20:]:
        scripts.finish(task_id)
    _another_second(scripts, 1_000)
    assert scripts.overview().signups_per_second is None
    assert scripts.overview().rows_per_second is None


def test_the_rate_of_a_long_backlog_is_that_of_the_last_minute(scripts: Scripts) -> None:
    ids = [new_task_id() for _ in range(100)]
    scripts.accept_all(ids)
    _another_second(scripts, 100_000)
    for task_id in ids[:30]:
        scripts.finish(task_id)
    _another_second(scripts, 20_000)
    for task_id in ids[30:55]:
        scripts.finish(task_id)
    _another_second(scripts, 50_000)
    assert scripts.overview().signups_per_second == pytest.approx(0.5, rel=0.1)


# What an overview tells


def test_an_empty_store_has_an_overview(scripts: Scripts) -> None:
    scripts.client.delete(COUNTS_KEY, HISTORY_KEY)
    overview = scripts.overview()
    assert (overview.counted_since_milliseconds, overview.newest, overview.minute_ago) == (None, None, None)
    assert (overview.processes, overview.batches, overview.signups.finished) == ((), (), {})
    scripts.run(overseeing.sample())


def test_an_overview_tells_lengths_ages_leases_and_running_batches(scripts: Scripts, accepted: str) -> None:
    batches = Batches(scripts.client)
    batch_id = batches.open()
    batches.accept(batch_id, new_task_id())
    parked = new_task_id()
    scripts.accept(parked)
    scripts.park(parked)
    scripts.start(accepted, lease_milliseconds=60_000)
    scripts.age(accepted, milliseconds=5000)

    overview = scripts.overview()

    assert (overview.signup_lane.open, overview.signup_lane.queued, overview.signup_lane.behind) == (1, 2, 0)
    assert 5 <= overview.signup_lane.oldest_seconds < 60
    assert (overview.chunk_lane.open, overview.chunk_lane.queued) == (1, 1)
    assert (overview.held, overview.dead_letters, overview.rows.open) == (1, 1, 4)
    (batch,) = overview.batches
    assert (batch.batch_id, batch.mode, batch.rows, batch.finished) == (batch_id, "create", 4, 0)
    assert (batch.upload_ended, batch.canceled, batch.last_at) == (False, False, None)
    assert overview.unsettled_batches == 1
    assert scripts.run(overseeing.read_overview()).batches == ()


def test_batches_that_have_ended_hide_none_that_runs(scripts: Scripts) -> None:
    """Those that ended stand before those that run until a worker settles them, which none does that does not run."""
    batches = Batches(scripts.client)
    running = batches.open()
    batches.accept(running, new_task_id())
    for _ in range(3):
        batches.cancel(batches.open())
    (batch,) = scripts.run(overseeing.read_overview(batches=2)).batches
    assert batch.batch_id == running


def test_no_more_batches_are_told_of_than_are_asked_for(scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    for _ in range(3):
        batches.open()
    assert len(scripts.run(overseeing.read_overview(batches=2)).batches) == 2


@pytest.mark.parametrize("what", Paused)
def test_an_overview_tells_of_a_pause_as_workers_read_it(scripts: Scripts, what: Paused) -> None:
    scripts.run(pause(what, by="olga"))
    told = scripts.overview().pause
    assert told == scripts.run(read_pause())
    assert (told.what, told.by) == (what, "" if what is Paused.NOTHING else "olga")
    scripts.run(pause(Paused.NOTHING, by="olga"))


def test_a_waiting_task_is_read_with_how_many_were_sent_before_it(scripts: Scripts) -> None:
    ids = [new_task_id() for _ in range(3)]
    scripts.accept_all(ids)
    for number, task_id in enumerate(ids):
        scripts.age(task_id, milliseconds=1000 * (3 - number))
    found = [scripts.read(task_id) for task_id in ids]
    assert [each.before for each in found if each] == [0, 1, 2]
    accepted_at = int(scripts.record(ids[0])["accepted_at"])
    assert found[0]
    assert found[0].accepted_at_milliseconds == accepted_at
    scripts.finish(ids[0])
    after = [scripts.read(task_id) for task_id in ids]
    assert [each.before for each in after if each] == [None, 0, 1]


# What no step has written


@pytest.mark.parametrize("value", [b"nan", b"1e308", b"9" * 30, b"\xff", b""])
def test_a_number_that_no_step_can_have_written_hides_nothing_beside_it(scripts: Scripts, value: bytes) -> None:
    client: Any = scripts.client
    task_id, batch_id, odd = new_task_id(), Batches(client).open(), Batches(client).open()
    scripts.accept(task_id)
    client.hset(COUNTS_KEY, mapping={"signups:accepted": value, b"signups:finished:\xff": value})
    client.hset(batch_key(odd), mapping={"rows": value, "accepted_at": value, "last_at": value, "mode": b"\xff"})
    client.hdel(batch_key(odd), "finished")
    client.hset(PAUSED_KEY, mapping={"what": "all", "at": value})
    client.xadd(HISTORY_KEY, {"at": value, "signups_accepted": value, b"\xff": value})

    overview = scripts.overview()
    samples = scripts.run(overseeing.read_history())

    assert (overview.signups.open, overview.signups.accepted) == (1, 0)
    assert overview.unaccounted
    assert {each.batch_id: each.rows for each in overview.batches} == {batch_id: 0, odd: 0}
    assert (overview.pause.what, overview.pause.by, overview.pause.at_milliseconds) == (Paused.ALL, "", None)
    first, odd_one = samples
    assert odd_one.at_milliseconds >= first.at_milliseconds > 0
    client.hset(COUNTS_KEY, "signups:accepted", 1)
