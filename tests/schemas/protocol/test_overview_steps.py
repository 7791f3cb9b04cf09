"""Samples tell what was counted in each second, and one look tells all that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.ids import new_task_id
from schemas.protocol.batch_keys import batch_key
from schemas.protocol.keys import PAUSED_KEY
from schemas.protocol.overall import COUNTS_KEY, HISTORY_KEY
from schemas.protocol.overview import UnitSample
from schemas.protocol.steps import overseeing
from schemas.protocol.steps.pausing import Paused, pause, read_pause
from tests.support.batches import Batches

if TYPE_CHECKING:
    from tests.support.records import Scripts


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
