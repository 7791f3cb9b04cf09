"""The last hour as the page draws it: no point is missing, and none is told twice."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis

from console.service.shown import shown
from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.overall import HISTORY_KEY
from schemas.protocol.steps.overseeing import sample
from schemas.protocol.webhook_keys import endpoint_key, group_of
from tests.support.records import Scripts
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment
    from tests.console.client import Console
    from tests.console.conftest import OpenConsole
    from tests.contract.service import Service

_SAMPLED: Final = ("accepted", "finished", "open")
"""What a sample has of signups and of rows."""


def test_the_hour_has_a_point_for_each_second_that_was_sampled(operator: Console, service: Service) -> None:
    assert service.worker is not None
    # Newer samples are read only while somebody watches.
    wait_until(lambda: operator.look() and len(operator.get("hour").json()["at"]) > 2, what="there are some points")
    hour = operator.get("hour").json()
    assert len({len(hour[name]) for name in ("at", "accepted", "finished", "waiting")}) == 1
    assert hour["at"] == sorted(set(hour["at"]))


@pytest.mark.parametrize("accepted", ["gzip;q=0", "x-gzip", "gzip;q=0, *", "identity"])
def test_the_hour_is_compressed_for_those_alone_who_read_gzip(operator: Console, accepted: str) -> None:
    answers = {
        each: operator.http.get(f"{operator.url}/api/hour", headers={"accept-encoding": each})
        for each in (accepted, "br, gzip")
    }
    assert {each: answer.headers.get("content-encoding") for each, answer in answers.items()} == {
        accepted: None,
        "br, gzip": "gzip",
    }
    assert [answer.headers["vary"] for answer in answers.values()] == ["accept-encoding"] * 2


def test_no_rate_is_told_by_samples_that_are_old(isolated_env: Environment) -> None:
    """While Redis takes no writes there are no new ones. The page once showed the rate of before as that of now."""
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        scripts = Scripts(client)
        now = scripts.overview().at_milliseconds
        fields: dict[str, int] = {f"{unit}_{what}": 0 for unit in ("signups", "rows") for what in _SAMPLED}

        def rate_with_a_sample(ago: int, *, accepted: int) -> float | None:
            at = now - ago
            client.xadd(HISTORY_KEY, {"at": at, **fields, "signups_accepted": accepted}, id=f"{at}-0")
            rate: float | None = shown(scripts.overview(), points=[])["accepted_per_second"]
            return rate

        rate_with_a_sample(40_000, accepted=0)
        assert rate_with_a_sample(30_000, accepted=10) is None
        assert rate_with_a_sample(0, accepted=80) == 2.0


def test_viewers_who_come_together_after_a_start_all_get_the_whole_hour(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    newest = int(1000 * time.time())
    fields: dict[str, int] = {f"{unit}_{what}": 0 for unit in ("signups", "rows") for what in _SAMPLED}
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client, client.pipeline() as pipeline:
        for second in range(3600, 0, -1):
            at = newest - 1000 * second
            pipeline.xadd(HISTORY_KEY, {"at": at, **fields}, id=f"{at}-0")
        pipeline.execute()
    console = open_console(isolated_env)
    console.log_in()
    with ThreadPoolExecutor(8) as threads:
        hours = list(threads.map(lambda _: console.get("hour").json(), range(8)))
    assert [len(hour["at"]) for hour in hours] == [3599] * 8


def test_the_hour_is_the_last_one_also_where_nobody_has_watched_for_a_while(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env)
    console.log_in()
    fields: dict[str, int] = {f"{unit}_{what}": 0 for unit in ("signups", "rows") for what in _SAMPLED}
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        newest = int(1000 * time.time()) - 10_000

        def sampled(first: int, last: int) -> None:
            for second in range(first, last):
                at = newest + 1000 * second
                client.xadd(HISTORY_KEY, {"at": at, **fields}, id=f"{at}-0")

        sampled(-300, -200)
        assert len(console.get("hour").json()["at"]) == 99
        sampled(-200, 0)
        assert len(console.get("hour").json()["at"]) == 299
        client.rename(HISTORY_KEY, "away")
        client.set(HISTORY_KEY, "refused")
        assert len(console.get("hour").json()["at"]) == 299


@contextmanager
def _watched(env: Environment, open_console: OpenConsole) -> Iterator[tuple[Scripts, Iterator[tuple[str, Any]]]]:
    """Redis without a shim, which would keep samples by itself, and the events of a console that watches it."""
    console = open_console(env)
    console.log_in()
    with redis.Redis.from_url(env["INTAKE_REDIS_URL"]) as client, console.events() as events:
        yield Scripts(client), events


def test_points_that_came_while_a_look_failed_come_with_the_next_one(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    with _watched(isolated_env, open_console) as (scripts, events):
        client: Any = scripts.client

        def sampled() -> float:
            """The time of a new sample."""
            before = client.xlen(HISTORY_KEY)
            wait_until(lambda: scripts.run(sample()) and client.xlen(HISTORY_KEY) > before, what="a sample is due")
            (entry,) = client.xrevrange(HISTORY_KEY, count=1)
            return int(entry[1][b"at"]) / 1000

        def points_until(at: float) -> list[float]:
            seen: list[float] = []
            for name, content in islice(events, 15):
                seen += [point[0] for point in content["points"]] if name == "look" else []
                if at in seen:
                    return seen
            return seen

        sampled()
        next(events)
        assert (first := sampled()) in points_until(first)
        client.xgroup_create(EVENTS_KEY, group_of("broken"), mkstream=True)
        client.set(endpoint_key("broken"), "no hash")
        assert next(name for name, _ in islice(events, 15) if name == "stale")
        unseen = [sampled(), sampled()]
        for _ in range(3):
            assert next(events)[0] == "stale"
        client.delete(endpoint_key("broken"))
        assert points_until(unseen[-1]) == unseen


def test_after_another_redis_took_over_pages_are_told_to_read_the_hour_anew(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    with _watched(isolated_env, open_console) as (scripts, events):
        client: Any = scripts.client

        def looks_until_anew() -> list[bool]:
            seen: list[bool] = []
            for _, look in islice(events, 15):
                scripts.run(sample())
                seen.append(look["hour_is_new"])
                if seen[-1]:
                    break
            return seen

        assert looks_until_anew()[-1]
        assert [next(events)[1]["hour_is_new"] for _ in range(2)] == [False, False]
        (oldest,) = client.xrange(HISTORY_KEY, count=1)
        client.delete(HISTORY_KEY)
        client.xadd(HISTORY_KEY, oldest[1], id=oldest[0])
        assert True in [look["hour_is_new"] for _, look in islice(events, 5)]
