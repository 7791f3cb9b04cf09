"""What befalls the file in which Redis keeps what it has acknowledged."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

pytestmark = pytest.mark.slow

_ROOM_BYTES: Final = 200_000
"""For some dozens of signups."""
_TORN: Final = b"*3\r\n$3\r\nSET\r\n$13\r\nintake:probe:"
"""The beginning of a command, as a power cut leaves it. Nobody was told that it is written."""


def test_a_redis_whose_disk_is_full_ends_and_keeps_what_it_has_acknowledged(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path) as arena:
        arena.start_worker()
        client = Client(arena)
        load = client.load(seconds=20, pause=0.02, follow=True)
        pid = arena.redis.process.pid
        assert pid is not None
        full_at = _file(arena).stat().st_size + _ROOM_BYTES
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (full_at, full_at))
        wait_until(lambda: not arena.redis.process.alive, timeout=60, what="Redis ends, since it cannot write")
        wait_until(lambda: arena.readiness() == _NOT_READY, timeout=20, what="the shim says what is missing")
        arena.redis.start()
        for thread in load:
            thread.join()

        judge(arena, client)

        assert arena.readiness()[0] == 200


def test_what_was_being_written_as_the_power_failed_is_dropped_and_nothing_else(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path) as arena:
        client = Client(arena)
        for _ in range(20):
            client.submit()
        arena.kill(arena.redis.process)
        with _file(arena).open("ab") as file:
            file.write(_TORN)
        arena.redis.start()
        arena.start_worker()
        for _ in range(20):
            client.submit()

        judge(arena, client)


_NOT_READY: Final = (503, {"ok": False, "error": "not_ready", "data": {"missing": ["broker"]}})


def _file(arena: Arena) -> Path:
    return max(arena.folder.rglob("*.incr.aof"))
