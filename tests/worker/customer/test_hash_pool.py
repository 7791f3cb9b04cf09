"""Hashes are made by the threads of a pool. The hash of a signup never waits for hashes of rows."""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from worker.customer import hash_pool
from worker.customer.hash_pool import PATIENT_NICENESS, HashPool

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
    rows = [busy.submit(f"row {number}", urgent=False) for number in range(3)]
    for signup in [busy.submit(f"signup {number}", urgent=True) for number in range(3)]:
        signup.result(SECONDS)
    assert busy.begun == ["signup 0", "signup 1", "signup 2"]
    busy.go_on.set()
    for each in rows:
        each.result(SECONDS)
    assert busy.begun[3:] == ["row 0", "row 1", "row 2"]


@pytest.mark.parametrize("urgent", [True, False])
def test_as_many_hashes_of_each_kind_are_made_at_a_time_as_there_are_threads(urgent: bool) -> None:
    pool = HashPool(3)
    together = threading.Barrier(3)
    pending = [pool.submit(partial(together.wait, SECONDS), urgent=urgent) for _ in range(3)]
    assert {each.result(SECONDS) for each in pending} == {0, 1, 2}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the threads of a process have one niceness")
def test_hashes_of_rows_leave_the_cores_to_other_threads_and_processes() -> None:
    pool = HashPool(1)

    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert pool.submit(niceness, urgent=True).result(SECONDS) == niceness()
    assert pool.submit(niceness, urgent=False).result(SECONDS) == min(19, niceness() + PATIENT_NICENESS)


def test_rows_are_hashed_also_where_a_sandbox_forbids_threads_to_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbidden)
    assert HashPool(1).submit(lambda: "made", urgent=False).result(SECONDS) == "made"


def test_the_exception_of_a_hash_is_raised_for_its_caller_and_the_thread_goes_on() -> None:
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


def test_a_hash_of_a_row_begins_once_no_signup_is_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_pool, "LONGEST_PAUSE_SECONDS", SECONDS)
    pool = HashPool(1)
    order: list[str] = []
    with pool.beside_signups():
        row = pool.submit(partial(order.append, "row"), urgent=False)
        with pool.beside_signups():
            pool.submit(partial(order.append, "signup"), urgent=True).result(SECONDS)
        order.append("done")
    row.result(SECONDS)
    assert order == ["signup", "done", "row"]


def test_hashes_of_rows_go_on_however_many_signups_come() -> None:
    pool = HashPool(1)
    with pool.beside_signups():
        assert pool.submit(lambda: "made", urgent=False).result(SECONDS) == "made"
