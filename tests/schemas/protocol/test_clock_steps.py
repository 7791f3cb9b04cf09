"""Rates after Redis' clock was set back: those of the time since, and never those of an hour as if it were a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.service.shown import shown
from schemas.protocol.overall import HISTORY_KEY
from schemas.protocol.steps import overseeing

if TYPE_CHECKING:
    from tests.support.records import Scripts

HOUR_MILLISECONDS = 3_600_000


def add_sample(scripts: Scripts, place: str, *, at: int, accepted: int, busy_since: int | None = None) -> None:
    """A sample as SAMPLE writes it, of which all that was accepted is finished."""
    counts: dict[Any, Any] = {"at": at}
    counts |= {f"{unit}_{what}": 0 for unit in ("signups", "rows") for what in ("accepted", "finished", "open")}
    counts |= {"signups_accepted": accepted, "signups_finished": accepted}
    if busy_since is not None:
        counts |= {"signups_open": 1, "signups_busy_since": busy_since, "signups_busy_from": 0}
    scripts.client.xadd(HISTORY_KEY, counts, id=place)


def set_back_by_an_hour(scripts: Scripts) -> int:
    """Samples of a busy hour, and three of a quiet time since the clock was set back. Returns the time of the last."""
    seconds, microseconds = scripts.client.time()
    now = 1000 * seconds + microseconds // 1000
    scripts.client.delete(HISTORY_KEY)
    for after, accepted in ((-30_000, 0), (1_800_000, 500_000), (HOUR_MILLISECONDS, 1_000_000)):
        add_sample(scripts, f"{now + after}-0", at=now + after, accepted=accepted)
    for number, ago in enumerate((20_000, 10_000, 0)):
        place = f"{now + HOUR_MILLISECONDS}-{number + 1}"
        add_sample(scripts, place, at=now - ago, accepted=1_000_010 + 10 * number)
    return now


def test_a_rate_is_that_of_the_time_since_the_clock_was_set_back(scripts: Scripts) -> None:
    now = set_back_by_an_hour(scripts)
    overview = scripts.overview()
    assert overview.minute_ago is not None
    assert overview.minute_ago.at_milliseconds == now - 20_000
    look = shown(overview, points=[])
    assert look["accepted_per_second"] == look["finished_per_second"] == 1.0


def test_what_was_busy_before_the_clock_was_set_back_is_busy_since_now(scripts: Scripts, accepted: str) -> None:
    now = set_back_by_an_hour(scripts)
    add_sample(
        scripts,
        f"{now + HOUR_MILLISECONDS}-9",
        at=now - 5_000,
        accepted=1_000_030,
        busy_since=now + HOUR_MILLISECONDS - 60_000,
    )
    assert accepted in scripts.open_ids()
    assert scripts.run(overseeing.sample()) is True
    newest = scripts.overview().newest
    assert newest is not None
    assert newest.signups.busy_since_milliseconds == newest.at_milliseconds
    assert newest.signups.busy_from == newest.signups.finished
