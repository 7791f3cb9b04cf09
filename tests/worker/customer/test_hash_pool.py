"""Hashes are made in the pool's threads, those of signups before those of rows."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from worker.customer.hash_pool import HashPool

if TYPE_CHECKING:
    from concurrent.futures import Future

SECONDS = 20


class Busy:
    """A pool whose threads are all busy until the test says so."""

    def __init__(self, threads: int) -> None:
        self.pool = HashPool(threads)
        self.go_on = threading.Event()
        self.begun: list[str] = []
        all_busy = threading.Barrier(threads + 1)

        def occupy() -> None:
            all_busy.wait(SECONDS)
            assert self.go_on.wait(SECONDS)

        for _ in range(threads):
            self.pool.submit(occupy, urgent=False)
        all_busy.wait(SECONDS)

    def submit(self, name: str, *, urgent: bool) -> Future[None]:
        return self.pool.submit(partial(self.begun.append, name), urgent=urgent)


def test_urgent_hashes_go_before_all_others_and_each_kind_keeps_its_order() -> None:
    busy = Busy(1)
    pending = [busy.submit(f"row {number}", urgent=False) for number in range(3)]
    pending += [busy.submit(f"signup {number}", urgent=True) for number in range(3)]
    busy.go_on.set()
    for each in pending:
        each.result(SECONDS)
    assert busy.begun == ["signup 0", "signup 1", "signup 2", "row 0", "row 1", "row 2"]


def test_as_many_hashes_are_made_at_a_time_as_there_are_threads() -> None:
    pool = HashPool(3)
    together = threading.Barrier(3)
    pending = [pool.submit(partial(together.wait, SECONDS), urgent=number == 1) for number in range(3)]
    assert {each.result(SECONDS) for each in pending} == {0, 1, 2}


def test_what_a_hash_raises_goes_to_whoever_waits_for_it_and_the_thread_goes_on() -> None:
    pool = HashPool(1)

    def fail() -> str:
        raise MemoryError

    failed, made = pool.submit(fail, urgent=True), pool.submit(lambda: "made", urgent=True)
    with pytest.raises(MemoryError):
        failed.result(SECONDS)
    assert made.result(SECONDS) == "made"


def test_a_hash_that_nobody_waits_for_any_more_is_not_made() -> None:
    busy = Busy(1)
    given_up, wanted = busy.submit("given up", urgent=False), busy.submit("wanted", urgent=False)
    assert given_up.cancel()
    busy.go_on.set()
    wanted.result(SECONDS)
    assert busy.begun == ["wanted"]
