"""The page in a real browser says of each trouble what is wrong and what to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.console.browsing import Tab

pytestmark = pytest.mark.slow

_WORKER = {
    "kind": "worker",
    "silent_seconds": 0.5,
    "started_at": 0,
    "holds": {},
    "taking": True,
    "away": {},
    "refused": {},
}
_SHIM = {**_WORKER, "kind": "shim"}
_SILENT = {"silent_seconds": 20}
_TAKES_WRITES = {"refused": None, "back_since": None}
_SINCE = 1_764_200_000_000
_WELL = {
    "at": _SINCE + 60_000,
    "unaccounted": 0,
    "dead": {"count": 0},
    "paused": {"what": "nothing"},
    "endpoints": [],
    "broker": _TAKES_WRITES,
    "processes": [_SHIM, _WORKER],
    "seconds_left": 0,
    "finished_per_second": 0.0,
    "lanes": {"signups": {"oldest_seconds": 0}, "chunks": {"oldest_seconds": 0}},
}
_WAITING = {"signups": {"oldest_seconds": 61}, "chunks": {"oldest_seconds": 0}}
_ROWS_WAIT = {"signups": {"oldest_seconds": 0}, "chunks": {"oldest_seconds": 61}}
_HOLDS_ROWS = {**_WORKER, "holds": {"chunks": 4}}
_ENDPOINT = {"name": "crm", "on": True, "waiting": 0, "failing_seconds": None, "last_outcome": ""}
_NO_MONGODB = {**_WORKER, "away": {"database": _SINCE}}
_MAY_NOT = {**_NO_MONGODB, "refused": {"database": "Unauthorized (right find): grant it"}}
_REDIS_MAY_NOT = {**_SHIM, "away": {"broker": _SINCE}, "refused": {"broker": "redis_noperm: allow LPUSH"}}
_FULL = {"code": "OOM", "advice": "its memory is full", "since": _SINCE}


_BRING_BACK = "it does not answer, or has no primary. Bring it back. What is accepted waits, and is safe."
_NO_WRITES = "Signups get 503, and no process can tell how it does."
_IS_GONE = "was heard of lately: dead, stuck, or refused by Redis."
_STANDS_STILL = "Nothing was finished in the last minute, and work waits: the workers' logs say why."
_LOST = "dead, stuck, or refused by Redis. Others run."
_NO_ROOM = "(INTAKE_MAX_REQUESTS). Redis is slow, or there are too few shims."
_AGAIN = "Workers ask again within a minute."
_START = "Read its log, then start it again."


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({}, "All is well."),
        ({"unaccounted": -3}, "3 unaccounted for."),
        ({"seconds_left": None, "lanes": _WAITING}, _STANDS_STILL),
        ({"seconds_left": None, "lanes": _ROWS_WAIT}, _STANDS_STILL),
        # A dead letter was sent again, which was accepted long ago. Others are finished meanwhile.
        ({"seconds_left": None, "lanes": _WAITING, "finished_per_second": 0.5}, "All is well."),
        ({"seconds_left": None, "lanes": _ROWS_WAIT, "processes": [_SHIM, _HOLDS_ROWS]}, "All is well."),
        ({"processes": [_SHIM, {**_WORKER, **_SILENT}, _WORKER]}, f"1 worker gave no sign of life lately: {_LOST}"),
        (
            {"processes": [_SHIM, {**_WORKER, **_SILENT}, {**_WORKER, "started_at": _SINCE + 50_000}]},
            "1 worker ended without a word, and one was started since.",
        ),
        (
            {"processes": [_SHIM, {**_WORKER, **_SILENT}], "seconds_left": None, "lanes": _WAITING},
            f"No worker {_IS_GONE} What is accepted waits. {_START}",
        ),
        (
            {"processes": [_WORKER, {**_SHIM, **_SILENT}]},
            f"No shim {_IS_GONE} Signups are not taken. {_START}",
        ),
        (
            {"processes": [_WORKER, _SHIM, {**_SHIM, "taking": False}]},
            "1 of 2 shims takes no signups: its /readyz says what is missing.",
        ),
        (
            {"processes": [_SHIM, _NO_MONGODB]},
            f"MongoDB is away for the only worker since …: {_BRING_BACK}",
        ),
        (
            {"processes": [_SHIM, _NO_MONGODB, _WORKER]},
            "MongoDB is away for 1 of 2 workers since …: look at the way from there to it. The others go on.",
        ),
        (
            {"processes": [_SHIM, _NO_MONGODB, _WORKER], "at": _SINCE + 5_000},
            "MongoDB is away for 1 of 2 workers since ….",
        ),
        (
            {"processes": [_SHIM, {**_WORKER, "away": {"broker": _SINCE}}]},
            "Redis is away for the only worker since …, and answers the console: look at the way from there to it.",
        ),
        (
            {"processes": [{**_SHIM, "away": {"room": _SINCE}}, _SHIM, _WORKER]},
            f"1 of 2 shims turned requests away with 503 since …, as many run at once as may {_NO_ROOM}",
        ),
        (
            {"processes": [_SHIM, _MAY_NOT, _MAY_NOT]},
            f"MongoDB answers and refuses all 2 workers since …: Unauthorized (right find): grant it. {_AGAIN}",
        ),
        (
            {"processes": [_REDIS_MAY_NOT, _WORKER]},
            "Redis answers and refuses the only shim since …: redis_noperm: allow LPUSH.",
        ),
        (
            {"broker": {**_TAKES_WRITES, "refused": _FULL}, "processes": [{**_WORKER, **_SILENT}]},
            f"Redis takes no writes since … (OOM): its memory is full. {_NO_WRITES}",
        ),
        (
            {"broker": {**_TAKES_WRITES, "refused": {**_FULL, "code": "NOPERM", "advice": "allow HSET"}}},
            "Redis refuses the console since … (NOPERM): allow HSET.",
        ),
        (
            {"broker": {**_TAKES_WRITES, "back_since": _SINCE}, "processes": [_SHIM, {**_WORKER, **_SILENT}]},
            "Redis answers again since …. 1 process did not report since.",
        ),
        ({"endpoints": [{**_ENDPOINT, "waiting": 2}]}, "No notifier runs: events wait."),
        ({"endpoints": [{**_ENDPOINT, "on": False}]}, "The endpoint crm is off."),
        (
            {"endpoints": [{**_ENDPOINT, "failing_seconds": 5, "last_outcome": "500"}]},
            "The endpoint crm fails (500). Its events are kept: ask its owner.",
        ),
    ],
)
def test_each_trouble_has_its_words(tab: Tab, seen: dict[str, Any], told: str) -> None:
    found = tab.page.evaluate(
        "async ([look, since]) => { (await import('./troubles.js')).showTroubles(look);"
        " const time = (await import('./dom.js')).at(since);"
        " return [...document.querySelectorAll('#troubles li')].map((each) => each.textContent.replace(time, '…')); }",
        [{**_WELL, **seen}, _SINCE],
    )
    assert found == [told]
