"""Outcomes that happen while a notifier, a receiver or Redis has trouble, and what must be true of them at the end."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import redis

from tests.notifier.process import ids
from tests.support.events import happen
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.receiver import Receiver


@dataclass
class Outcomes:
    """Events that happen one after the other until the block ends."""

    client: redis.Redis
    every_seconds: float
    happened: list[str] = field(default_factory=list)
    """In their order. Each was confirmed by Redis."""

    @contextmanager
    def happening(self) -> Iterator[Self]:
        """Let events happen while the block runs."""
        ended, pause = threading.Event(), threading.Event()

        def run() -> None:
            number = 0
            while not ended.wait(self.every_seconds):
                number += 1
                event_id = f"evt_{number}"
                at = time.time()
                while True:
                    try:
                        happen(self.client, event_id, at=at)
                    except redis.RedisError:
                        # Whether it happened is not known. As a worker does, it is done again under the same id, also
                        # where the block has ended meanwhile.
                        pause.wait(0.05)
                    else:
                        self.happened.append(event_id)
                        break

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()

    def all_came(self, receiver: Receiver, *, seconds: float = 120) -> None:
        """Wait until each event was received at least once."""
        wait_until(
            lambda: set(self.happened) <= set(ids(receiver.received)),
            timeout=seconds,
            what="each event was received",
        )

    def came_in_order(self, receiver: Receiver) -> None:
        """Each was received first after all those before it, and no event is repeated after a later one came."""
        received = ids(receiver.received)
        assert list(dict.fromkeys(received)) == self.happened
        numbers = [int(event_id.removeprefix("evt_")) for event_id in received]
        assert numbers == sorted(numbers)

    def had_one_body_each(self, receiver: Receiver) -> None:
        """A repeat is told by its id, and says the same."""
        assert len({(each.headers["webhook-id"], each.body) for each in receiver.received}) == len(
            set(ids(receiver.received))
        )
