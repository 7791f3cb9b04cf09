"""Proof that the worker consumes, not only that it lives: a file that is rewritten while it does."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from celery import bootsteps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from celery.worker.consumer import Consumer

    from worker.dependencies.gate import Gate

BEAT_SECONDS: Final = 2.0
_SILENCE_SECONDS: Final = 10.0
"""kombu asks the queue anew every second; after this long without it the worker does not consume."""


class HealthStep(bootsteps.StartStopStep):  # type: ignore[misc] # celery publishes no types
    """Writes the health file from the consumer's own event loop.

    The loop must be turning to get here, and within the last seconds it must have asked Redis for the next message
    or have as many tasks as it may hold. A worker that waits for MongoDB is healthy: restarting it would help nobody.
    One that MongoDB or Redis refuses is not: somebody has to mend something, and should be told.
    """

    requires = ("celery.worker.consumer:Tasks",)

    path: str
    """Where the file is; set, as `held` and `gates`, by the composition root on a subclass. Empty: none is written."""
    held: Callable[[], int]
    """How many tasks the worker holds."""
    gates: Sequence[Gate]
    """Whether it takes tasks: while all of them are open."""

    def __init__(self, consumer: Consumer, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None

    def start(self, consumer: Consumer) -> None:
        """Begin to write with the first beat."""
        # Also where no file is asked for: each beat turns the consumer's loop, which then sees that the gate is open.
        self._timer = consumer.timer.call_repeatedly(BEAT_SECONDS, self._beat, (consumer,))

    def stop(self, _consumer: Consumer) -> None:
        """A worker that stops, or has lost its broker, consumes no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self, consumer: Consumer) -> None:
        if not self.path or any(gate.is_refused for gate in self.gates):
            return
        channel = consumer.task_consumer.channel
        asked = getattr(channel, "_brpop_sent_at", None)
        silence = time.monotonic() - asked if asked is not None else float("inf")
        if silence < _SILENCE_SECONDS or not channel.qos.can_consume():
            taking = all(gate.is_open for gate in self.gates)
            write_health_file(Path(self.path), held=type(self).held(), taking=taking)


def write_health_file(path: Path, *, held: int, taking: bool) -> None:
    """Replace the file at once, so that a reader never sees half of it."""
    document = {"pid": os.getpid(), "at": datetime.now(UTC).isoformat(), "consuming": taking, "tasks_held": held}
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps(document) + "\n")
    scratch.replace(path)
