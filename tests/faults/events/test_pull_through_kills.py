"""`customer.events` is read through kills of everything, under load: in order, none missing, none twice."""

from __future__ import annotations

import random
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.events.puller import Puller, check_events, check_reading
from tests.faults.harness import troubles
from tests.faults.harness.arena import Arena
from tests.faults.harness.batch_client import BatchClient
from tests.faults.harness.batch_rows import hashed_rows
from tests.faults.harness.history import Client
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Judge

_PAUSE: Final = threading.Event()
_ROWS: Final = 600
"""How many rows: three chunks."""
_HOOKED: Final = "tests.faults.harness.hooked_worker"
_TROUBLES: Final = (
    "a worker killed",
    "the shim killed",
    "redis killed",
    "a worker stopped",
    "the shim stopped",
    "redis stopped",
    "redis frozen",
    "the shim frozen",
    "a worker frozen",
)
"""The first three are the short test's."""


@pytest.mark.parametrize(
    ("names", "rounds"),
    [
        pytest.param(_TROUBLES[:3], 1, id="short"),
        pytest.param(_TROUBLES, 4, id="long", marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(600)
def test_a_reader_misses_nothing_and_reads_nothing_twice_whatever_is_killed(
    tmp_path: Path, judge: Judge, note: Callable[[str], None], names: tuple[str, ...], rounds: int
) -> None:
    dice = random.Random(15)
    with Arena(tmp_path, links=True, standby=len(names) > 3) as arena:
        for _ in range(2):
            arena.start_worker()
        puller = Puller(arena)
        client = Client(arena)
        client.load(seconds=600, pause=0.05)
        for _ in range(rounds):
            for name in dice.sample(names, len(names)):
                _PAUSE.wait(dice.uniform(0.3, 1.5))
                # The worker that sweeps and trims is any of the two.
                arena.workers.reverse()
                with troubles.ALL[name](arena):
                    _PAUSE.wait(dice.uniform(0.2, 1.5))
        if arena.standby is not None:
            # It comes last: started again, the standby would be what it was at first.
            arena.fail_over()
            _PAUSE.wait(2)
        client.end_load()

        judge(arena, client, seconds=120)
        puller.catch_up()
        note(f"{len(puller.events)} events were read through {rounds * len(names)} troubles")

        assert puller.failures, "no trouble was felt"
        problems = check_events(puller, client.history)
        assert not problems, "\n".join(problems[:20])


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["before_finish", "after_finish"])
def test_a_worker_killed_around_finish_tells_the_outcome_once(tmp_path: Path, judge: Judge, hook: str) -> None:
    flag = tmp_path / "flag"
    with Arena(tmp_path / "arena") as arena:
        worker = arena.start_worker(module=_HOOKED, FAULT_HOOK=hook, FAULT_FLAG=str(flag))
        puller = Puller(arena)
        client = Client(arena)
        for _ in range(2):
            flag.touch()
            client.submit()
            wait_until(lambda: not worker.alive, timeout=20, what="the worker kills itself")
            arena.kills += 1
            arena.restart_worker(worker)

        judge(arena, client)
        puller.catch_up()

        problems = check_events(puller, client.history)
        assert not problems, "\n".join(problems)


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["before_finish_chunk", "after_finish_chunk"])
def test_a_worker_killed_around_the_outcomes_of_rows_tells_each_once_and_the_batch_last(
    tmp_path: Path, hook: str
) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    with Arena(tmp_path / "arena", settings={"INTAKE_ROW_EVENTS": "1"}) as arena:
        worker = arena.start_worker(module=_HOOKED, FAULT_HOOK=hook, FAULT_FLAG=str(flag))
        puller = Puller(arena)
        client = BatchClient(arena, partial(hashed_rows, _ROWS))
        batch_id = client.upload()
        wait_until(lambda: not worker.alive, timeout=20, what="the worker kills itself")
        arena.restart_worker(worker)
        told = client.read(batch_id)
        puller.catch_up()

        assert not check_reading(puller)
        *rows, last = [event["data"] for event in puller.events]
        assert sorted((row["line"], row["customer"]) for row in rows) == [(row.row, row.customer_id) for row in told]
        assert last == {"batch": batch_id, "status": "DONE", "rows": _ROWS}
