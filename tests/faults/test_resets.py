"""Idle and busy connections are reset, as load balancers, firewalls and rebooted hosts do it."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.faults.harness.tcp_proxy import Way
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

pytestmark = pytest.mark.slow

LINKS: Final = ("shim_redis", "workers_redis", "workers_mongo")

_PAUSE: Final = threading.Event()
_MOST_BYTES: Final = 600
"""The most bytes of a call or an answer. A reset comes anywhere within."""


def _is_alive(arena: Arena) -> bool:
    return arena.shim_serves() and all(process.alive for process in (arena.shim, *arena.workers))


@pytest.mark.parametrize("link", LINKS)
def test_resets_of_idle_connections_are_nothing_to_the_next_signup(tmp_path: Path, judge: Judge, link: str) -> None:
    with Arena(tmp_path, links=True) as arena:
        arena.start_worker()
        proxy = getattr(arena.links, link)
        client = Client(arena)
        for _ in range(5):
            client.follow(client.submit(), seconds=20)
            wait_until(lambda: proxy.links > 0, what="there is a connection that idles")
            assert proxy.reset() > 0
        last = client.submit()

        verdict = judge(arena, client, seconds=20)

        assert last.outcome is not None
        assert verdict.resends == 0, "no task was lost on its way"
        assert _is_alive(arena)
        wait_until(lambda: arena.readiness()[0] == 200, what="the shim is ready")


@pytest.mark.parametrize("link", LINKS)
def test_resets_under_load_delay_a_signup_by_a_moment(tmp_path: Path, judge: Judge, link: str) -> None:
    dice = random.Random(9)
    with Arena(tmp_path, links=True) as arena:
        arena.start_worker()
        proxy = getattr(arena.links, link)
        client = Client(arena)
        load = client.load(seconds=20, threads=6, pause=0.05, follow=True)
        while any(thread.is_alive() for thread in load):
            if dice.random() < 0.5:
                proxy.reset()
            else:
                proxy.reset_after(dice.choice(list(Way)), dice.randrange(_MOST_BYTES))
            _PAUSE.wait(dice.uniform(0.1, 1))

        judge(arena, client)

        assert _is_alive(arena)
        wait_until(lambda: arena.readiness()[0] == 200, what="the shim is ready")
