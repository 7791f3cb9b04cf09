"""Five minutes with every trouble, one after the other. Their random order is the same in each run."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness import troubles
from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client, Submission
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.conftest import Judge

_SECONDS: Final = 300
_LONGEST_TROUBLE_SECONDS: Final = 6
_MOST_SECONDS_BEYOND: Final = 20
"""How much later than without troubles an outcome may be. The time of the trouble itself does not count.

The death of a worker is noticed after the visibility timeout and two sweeps, a dead connection after some seconds.
"""

_PAUSE: Final = threading.Event()


@dataclass
class Outages:
    """The times at which something was wrong."""

    windows: list[tuple[float, float, str]] = field(default_factory=list)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Note that something is wrong until the block ends."""
        began = time.monotonic()
        yield
        self.windows.append((began, time.monotonic(), name))

    def beyond(self, submission: Submission) -> float:
        """How many seconds a client waited while nothing was wrong."""
        assert submission.ended_at is not None
        began, ended = submission.began_at, submission.ended_at
        return ended - began - sum(max(0, min(end, ended) - max(begin, began)) for begin, end, _ in self.windows)

    def during(self, submission: Submission) -> list[str]:
        """The troubles while a signup was under way, and those that had ended just before."""
        ended = submission.ended_at or time.monotonic()
        return [name for begin, end, name in self.windows if begin < ended and end > submission.began_at - 10]


@pytest.mark.slow
@pytest.mark.timeout(_SECONDS + 300)
@pytest.mark.parametrize("seed", [1])
def test_five_minutes_of_troubles_delay_no_signup_beyond_them(
    tmp_path: Path, judge: Judge, note: Callable[[str], None], seed: int
) -> None:
    dice = random.Random(seed)
    outages = Outages()
    with Arena(tmp_path, links=True, standby=True) as arena:
        for _ in range(2):
            arena.start_worker()
        client = Client(arena)
        load = client.load(seconds=_SECONDS, threads=12, pause=0.1, follow=True)
        until = time.monotonic() + _SECONDS
        left: list[str] = []
        while time.monotonic() < until:
            if not left:
                left = list(troubles.ALL)
                dice.shuffle(left)
            name = left.pop()
            with outages.of(name), troubles.ALL[name](arena):
                _PAUSE.wait(dice.uniform(0.5, _LONGEST_TROUBLE_SECONDS))
            _PAUSE.wait(dice.uniform(1, 4))
        for thread in load:
            thread.join()
        wait_until(lambda: arena.readiness()[0] == 200, timeout=30, what="the shim is ready")

        judge(arena, client, seconds=120)

        assert all(process.alive for process in (arena.shim, *arena.workers))
        followed = [each for each in client.history if each.ended_at is not None]
        late = sorted(followed, key=outages.beyond, reverse=True)
        wrong = sum(end - begin for begin, end, _ in outages.windows)
        note(f"{len(outages.windows)} troubles in turn lasted {wrong:.0f} s; {len(followed)} signups")
        for each in late[:5]:
            note(f"waited {each.seconds:.1f} s, {outages.beyond(each):.1f} s beyond: {', '.join(outages.during(each))}")
        assert outages.beyond(late[0]) < _MOST_SECONDS_BEYOND
