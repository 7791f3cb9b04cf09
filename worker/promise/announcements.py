"""This worker's word that it runs, and its part in the samples of the counts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from schemas.protocol.steps import overseeing
from worker.promise.calls import BrokerCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from schemas.protocol.overview import Details


class Announcements:
    """Tells of one worker. Every method raises `TransientError` while Redis is away: the next round is soon enough."""

    def __init__(self, client: redis.Redis, *, name: str, details: Callable[[], Details]) -> None:
        """`name` is the worker's random name, and `details` says what it does now."""
        self._calls = BrokerCalls(client)
        self._name = name
        self._details = details
        self._lock = threading.Lock()
        self._has_left = False

    def sample(self) -> None:
        """Keep what was counted up to now, unless another process has done so in this second."""
        self._calls.run(overseeing.sample())

    def announce(self) -> None:
        """Tell that the worker runs, and what it does. After `leave` nothing is told any more."""
        with self._lock:
            if not self._has_left:
                self._calls.run(overseeing.announce(self._name, self._details()))

    def leave(self) -> None:
        """Tell that the worker has ended. Its process may live on for seconds, in which it sends its last spans."""
        with self._lock:
            self._has_left = True
            self._calls.run(overseeing.leave(self._name))
