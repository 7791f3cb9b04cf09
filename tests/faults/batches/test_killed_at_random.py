"""Every process is killed again and again while one call brings many rows, and while their outcomes are read."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.keys import HELD_KEY
from tests.faults.harness.arena import Arena
from tests.faults.harness.batch_client import BatchClient, ToldRow, outcomes_of
from tests.faults.harness.batch_rows import hashed_rows
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import JudgeOfRows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

_PAUSE: Final = threading.Event()
_UPLOADED_BY: Final = 0.6
"""The part of the kills that come before the last row is sent. The last outcome is read after all of them."""
_LOOKS_FOR_SECONDS: Final = 1
_SECONDS: Final = 300
"""The time in which the client must have all its outcomes."""


def _kill_a_worker(arena: Arena, number: int) -> None:
    # A chunk is worked in some milliseconds. So the kill looks for one without a pause, where one may come.
    with arena.redis_client() as client:
        until = time.monotonic() + _LOOKS_FOR_SECONDS
        while not client.zcard(HELD_KEY) and time.monotonic() < until:
            pass
    arena.kill(arena.workers[number])
    _PAUSE.wait(0.5)
    arena.restart_worker(arena.workers[number])


def _kill_the_shim(arena: Arena) -> None:
    arena.kill(arena.shim)
    arena.start_shim()


def _kill_redis(arena: Arena) -> None:
    arena.kill(arena.redis.process)
    _PAUSE.wait(0.5)
    arena.redis.start()


def _kill_the_primary(arena: Arena) -> None:
    # The election after the last kill may not be over yet.
    wait_until(lambda: arena.mongo.primary() is not None, timeout=60, what="there is a primary")
    primary = arena.mongo.primary()
    assert primary is not None
    arena.kill(primary.process)
    _PAUSE.wait(0.5)
    primary.start()


_KILLS: Final[dict[str, Callable[[Arena], None]]] = {
    "worker 0": partial(_kill_a_worker, number=0),
    "shim": _kill_the_shim,
    "redis": _kill_redis,
    "worker 1": partial(_kill_a_worker, number=1),
    "primary": _kill_the_primary,
}


@dataclass
class _Kills:
    """The kills of one test."""

    begun: int = 0
    """How many kills were begun. A kill is begun a moment before it strikes, so that rows are on their way then."""

    def spread(self, rows: int, *, over: float) -> Callable[[int], None]:
        """Slow a client so that its rows are spread over this number of kills."""

        def gate(place: int) -> None:
            needed = int(over * place / rows)
            if self.begun < needed:
                wait_until(lambda: self.begun >= needed, timeout=120, what="the next kill")

        return gate


@pytest.mark.parametrize(
    ("rows", "kills", "members"), [pytest.param(5_000, 6, 1, id="short"), pytest.param(100_000, 32, 3, id="long")]
)
def test_a_batch_among_kills_has_one_outcome_a_row_and_the_same_call_again_makes_nothing(
    tmp_path: Path, judge_rows: JudgeOfRows, rows: int, kills: int, members: int
) -> None:
    dice = random.Random(11)
    with Arena(tmp_path, mongo_members=members) as arena, ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            arena.start_worker()
        of_test = _Kills()
        client = BatchClient(arena, partial(hashed_rows, rows))

        def upload_and_read() -> tuple[str, list[ToldRow]]:
            batch_id = client.upload(gate=of_test.spread(rows, over=_UPLOADED_BY * kills), seconds=_SECONDS)
            return batch_id, client.read(batch_id, gate=of_test.spread(rows, over=kills), seconds=_SECONDS)

        running = pool.submit(upload_and_read)
        killed: Counter[str] = Counter()
        for name in cycle(_KILLS):
            if arena.kills >= kills or running.done():
                break
            _PAUSE.wait(dice.uniform(0.2, 1.2))
            of_test.begun += 1
            _KILLS[name](arena)
            killed[name] += 1
        batch_id, told = running.result(_SECONDS)
        first = outcomes_of(told)
        assert arena.kills >= kills
        assert killed.keys() == _KILLS.keys()
        assert client.calls > 1, "the call had to be made again"

        again = client.upload(seconds=_SECONDS)
        told_again = client.read(again, seconds=_SECONDS)

        assert again != batch_id
        assert outcomes_of(told_again) == {"repeated": rows}
        assert [row.customer_id for row in told_again] == [row.customer_id for row in told]
        assert client.summary(batch_id)["outcomes"] == first
        assert client.summary(again)["outcomes"] == {"repeated": rows}
        judge_rows(arena, batch_id, told, rows=rows)
