"""Connections that only one side believes in, that are mute in one way, or that stand still."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.faults.harness.tcp_proxy import Way
from tests.faults.test_resets import LINKS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

pytestmark = pytest.mark.slow

_PAUSE: Final = threading.Event()
_CALM_SECONDS: Final = 6
_STALL_SECONDS: Final = 5


@pytest.mark.parametrize("link", LINKS)
def test_half_open_and_mute_connections_are_noticed_and_made_anew(tmp_path: Path, judge: Judge, link: str) -> None:
    with Arena(tmp_path, links=True) as arena:
        arena.start_worker()
        proxy = getattr(arena.links, link)
        client = Client(arena)
        load = client.load(seconds=45, threads=4, pause=0.05, follow=True)
        for sides in ({"server_notices": True}, {"client_notices": True}, {}):
            _PAUSE.wait(_CALM_SECONDS)
            assert proxy.forget(**sides) > 0
        for way in Way:
            _PAUSE.wait(_CALM_SECONDS)
            proxy.silent = frozenset({way})
            _PAUSE.wait(_STALL_SECONDS)
            proxy.silent = frozenset()
        for thread in load:
            thread.join()

        judge(arena, client)

        assert all(process.alive for process in (arena.shim, *arena.workers))
        wait_until(lambda: arena.readiness()[0] == 200, what="the shim is ready")


@pytest.mark.parametrize("link", LINKS)
def test_what_stands_still_and_arrives_late_is_carried_out_once(tmp_path: Path, judge: Judge, link: str) -> None:
    with Arena(tmp_path, links=True) as arena:
        arena.start_worker()
        proxy = getattr(arena.links, link)
        client = Client(arena)
        load = client.load(seconds=25, threads=4, pause=0.05, follow=True)
        for seconds in (1, _STALL_SECONDS, 1):
            _PAUSE.wait(3)
            proxy.stalled = True
            _PAUSE.wait(seconds)
            proxy.stalled = False
        proxy.delay_seconds = 0.2
        _PAUSE.wait(3)
        proxy.delay_seconds = 0
        for thread in load:
            thread.join()

        judge(arena, client)

        assert all(process.alive for process in (arena.shim, *arena.workers))
