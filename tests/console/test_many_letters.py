"""Thousands of dead letters, and acts on all of a filter: bounded calls, and nothing lost whoever dies in between."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import redis

from schemas.ids import new_task_id
from schemas.protocol.keys import DEAD_KEY
from schemas.protocol.steps.ending import park
from schemas.protocol.steps.overseeing import sample
from schemas.protocol.steps.working import Delivery, start
from startup.broker.calls import send
from tests.support.records import Scripts
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment
    from tests.console.client import Console
    from tests.console.conftest import OpenConsole

pytestmark = pytest.mark.slow

MANY = 5_200
RARE = "a_rare_reason"
PAGES = 24


@pytest.fixture
def many(isolated_env: Environment) -> Iterator[Scripts]:
    """A Redis with many dead letters, of which the last ones have another reason."""
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        scripts = Scripts(client)
        scripts.run(sample())
        ids = [new_task_id() for _ in range(MANY)]
        scripts.accept_all(ids)
        deliveries = [Delivery(each, f"of {each}") for each in ids]
        send(client, [start(each, lease_seconds=60, alone=False) for each in deliveries])
        reasons = ["a_reason"] * (MANY - 100) + [RARE] * 100
        parks = [
            park(delivery, reason=reason, detail="", result=b"{}")
            for delivery, reason in zip(deliveries, reasons, strict=True)
        ]
        for first in range(0, MANY, 50):
            send(client, parks[first : first + 50])
        assert client.zcard(DEAD_KEY) == MANY
        yield scripts


def all_of(console: Console, path: str, **body: Any) -> list[int]:
    """Act on all, call after call as the page does. Returns how many each call has changed."""
    changed, after = [], ""
    while True:
        answer = console.act(path, all=True, until=time.time() + 1, after=after, **body).raise_for_status().json()
        changed.append(answer["changed"])
        after = answer["after"]
        if not after:
            return changed


def test_pages_that_read_the_list_together_cost_what_some_of_them_cost(
    many: Scripts, isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env)
    console.log_in()
    client: Any = many.client

    def reads() -> int:
        return int(client.info("commandstats")["cmdstat_hmget"]["calls"])

    before = reads()
    with ThreadPoolExecutor(PAGES) as pages:
        lists = list(pages.map(lambda _: console.get("dead-letters").json(), range(PAGES)))
    assert [len(each["letters"]) for each in lists] == [100] * PAGES
    assert reads() - before < PAGES / 2 * MANY
    many.client.zremrangebyrank(DEAD_KEY, 0, MANY - 200)
    rare = console.get("dead-letters", reason=RARE).json()["letters"]
    assert [each["reason"] for each in rare] == [RARE] * 100


def test_all_are_changed_by_calls_of_some_hundred(
    many: Scripts, isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env)
    console.log_in()
    # Those of the reason stand behind all others.
    assert sum(all_of(console, "dead-letters/drop", reason=RARE)) == 100
    changed = all_of(console, "dead-letters/requeue")
    assert (sum(changed), max(changed)) == (MANY - 100, 500)
    overview = many.overview()
    assert (overview.dead_letters, overview.signups.dropped, overview.signups.requeued) == (0, 100, MANY - 100)
    assert overview.unaccounted == 0


def test_two_operators_at_two_consoles_change_each_letter_once(
    many: Scripts, isolated_env: Environment, open_console: OpenConsole
) -> None:
    consoles = [open_console(isolated_env) for _ in range(2)]
    told: list[int] = []

    def requeue(console: Console) -> None:
        told.append(sum(all_of(console, "dead-letters/requeue")))

    for console in consoles:
        console.log_in()
    threads = [threading.Thread(target=requeue, args=[console]) for console in consoles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logged = Counter(line["by"] for console in consoles for line in console.acts("operator_requeued"))
    assert logged["olga"] >= 2
    assert sum(line["count"] for console in consoles for line in console.acts("operator_requeued")) == MANY
    assert sum(told) == MANY
    overview = many.overview()
    assert (overview.signups.requeued, overview.dead_letters, overview.unaccounted) == (MANY, 0, 0)


@pytest.mark.parametrize("path", ["dead-letters/requeue", "dead-letters/drop"])
def test_a_console_that_is_killed_in_the_middle_loses_nothing(
    many: Scripts, isolated_env: Environment, open_console: OpenConsole, path: str
) -> None:
    console = open_console(isolated_env)
    console.log_in()

    def act() -> None:
        with pytest.raises(httpx.TransportError):
            all_of(console, path)

    acting = threading.Thread(target=act)
    acting.start()
    wait_until(lambda: many.client.zcard(DEAD_KEY) < MANY, what="some are changed")
    console.running.process.kill()
    acting.join()
    left = many.overview().dead_letters
    assert many.overview().unaccounted == 0
    # The cookie goes on at the next console, and so does the operator.
    assert sum(all_of(open_console(isolated_env, console.http), path)) == left
    overview = many.overview()
    assert (overview.signups.requeued + overview.signups.dropped, overview.unaccounted) == (MANY, 0)
