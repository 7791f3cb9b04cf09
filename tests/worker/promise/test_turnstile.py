"""Tasks run side by side, but a task that may kill the process runs alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for

import pytest

from tests.support.waiting import wait_until
from worker.promise.turnstile import Turnstile

DEADLINE_SECONDS = 10
MOMENT_SECONDS = 0.1
"""How long a test waits to see that nothing happens."""


class Holder:
    """A thread that holds a turnstile until it is told to leave."""

    def __init__(self, turnstile: Turnstile, *, alone: bool, order: list[str], name: str) -> None:
        self.inside = threading.Event()
        self._leave = threading.Event()
        self._gate = turnstile.alone if alone else turnstile.beside_others
        self._order = order
        self._name = name
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._gate():
            self._order.append(self._name)
            self.inside.set()
            self._leave.wait(DEADLINE_SECONDS)

    def is_inside(self) -> bool:
        return self.inside.wait(DEADLINE_SECONDS)

    def stays_outside(self) -> bool:
        return not self.inside.wait(MOMENT_SECONDS)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive()


class Passage:
    """A turnstile and its holders."""

    def __init__(self) -> None:
        self.turnstile = Turnstile()
        self.order: list[str] = []

    def shared(self, name: str = "shared") -> Holder:
        return Holder(self.turnstile, alone=False, order=self.order, name=name)

    def alone(self, name: str = "alone") -> Holder:
        return Holder(self.turnstile, alone=True, order=self.order, name=name)


@pytest.fixture
def passage() -> Passage:
    return Passage()


def test_many_hold_it_together(passage: Passage) -> None:
    holders = [passage.shared() for _ in range(5)]
    assert all(holder.is_inside() for holder in holders)
    for holder in holders:
        holder.leave()


def test_a_task_that_runs_alone_waits_for_all_others_to_leave(passage: Passage) -> None:
    first, second = passage.shared(), passage.shared()
    assert first.is_inside()
    assert second.is_inside()
    alone = passage.alone()
    assert alone.stays_outside()
    first.leave()
    assert alone.stays_outside()
    second.leave()
    assert alone.is_inside()
    alone.leave()


def test_no_task_enters_beside_one_that_runs_alone(passage: Passage) -> None:
    alone = passage.alone()
    assert alone.is_inside()
    shared, other = passage.shared(), passage.alone()
    assert shared.stays_outside()
    assert other.stays_outside()
    alone.leave()
    assert other.is_inside()
    other.leave()
    assert shared.is_inside()
    shared.leave()


def test_a_task_that_waits_to_run_alone_goes_before_others_that_come_later(passage: Passage) -> None:
    first = passage.shared("first")
    assert first.is_inside()
    alone = passage.alone()
    assert alone.stays_outside()
    later = passage.shared("later")
    assert later.stays_outside()
    first.leave()
    assert alone.is_inside()
    alone.leave()
    assert later.is_inside()
    later.leave()
    assert passage.order == ["first", "alone", "later"]


@pytest.mark.parametrize("alone", [True, False])
def test_a_task_that_fails_leaves_the_turnstile_open(passage: Passage, alone: bool) -> None:
    def fail() -> None:
        with passage.turnstile.alone() if alone else passage.turnstile.beside_others():
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    holder = passage.alone()
    assert holder.is_inside()
    holder.leave()


def test_of_many_tasks_none_ever_runs_beside_one_that_runs_alone() -> None:
    turnstile, inside, violations = Turnstile(), [0, 0], list[tuple[int, ...]]()
    count = threading.Lock()

    def pass_through(number: int) -> None:
        kind = int(number % 4 == 0)
        with turnstile.alone() if kind else turnstile.beside_others():
            with count:
                inside[kind] += 1
                if inside[1] > 1 or (inside[1] and inside[0]):
                    violations.append(tuple(inside))
            with count:
                inside[kind] -= 1

    with ThreadPoolExecutor(16) as pool:
        done, undone = wait_for([pool.submit(pass_through, number) for number in range(2000)], timeout=30)
    assert (len(done), len(undone), violations) == (2000, 0, [])
    wait_until(lambda: inside == [0, 0])
