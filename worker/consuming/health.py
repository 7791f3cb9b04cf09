"""The health file. It is rewritten as long as the worker consumes, which proves more than that its process lives."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from celery import bootsteps

from startup.environment import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from celery.worker.consumer import Consumer

    from worker.dependencies.gate import Gate

BEAT_SECONDS: Final = 2.0
"""Between two writes of the health file."""

_SILENCE_SECONDS: Final = 10.0
"""kombu asks the queue anew every second. A worker that has not asked for this long does not consume."""


class HealthStep(bootsteps.StartStopStep):  # type: ignore[misc] # celery publishes no types
    """Writes the health file from the consumer's own event loop.

    The file is written only while the loop turns, and while the worker asks Redis for messages or has as many tasks as
    it may have. A worker that waits for MongoDB is healthy: restarting it would help nobody. A worker that MongoDB or
    Redis refuses is not healthy: a person must mend something and should be told.
    """

    requires = ("celery.worker.consumer:Tasks",)

    path: str
    """Where the file is. Empty: none is written. Like `held` and `gates`, celery_app sets it on a subclass."""
    held: Callable[[], int]
    """How many tasks the worker holds."""
    gates: Sequence[Gate]
    """The worker takes tasks while all of these are open."""

    def __init__(self, consumer: Consumer, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None

    def start(self, consumer: Consumer) -> None:
        """Begin to write with the first beat."""
        # Even without a file: each beat turns the consumer's loop, which then notices that a gate has opened.
        self._timer = consumer.timer.call_repeatedly(BEAT_SECONDS, self._beat, (consumer,))

    def stop(self, _consumer: Consumer) -> None:
        """Stop writing: the worker stops, or has lost its broker."""
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
            taking = bool(channel.may_take())
            write_health_file(Path(self.path), held=type(self).held(), taking=taking)


def write_health_file(path: Path, *, held: int, taking: bool) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    document = {"pid": os.getpid(), "at": datetime.now(UTC).isoformat(), "consuming": taking, "tasks_held": held}
    scratch = _scratch_of(path)
    scratch.write_text(json.dumps(document) + "\n")
    scratch.replace(path)


def check_health_file(path: Path) -> None:
    """See that the file can be written, without writing it: it says that the worker consumes.

    Raises:
        SettingsError: it cannot.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError
        scratch = _scratch_of(path)
        scratch.touch()
        scratch.unlink()
    except (OSError, ValueError) as error:
        sentence = f"INTAKE_WORKER_HEALTH_FILE names a file that cannot be written ({type(error).__name__})"
        raise SettingsError([sentence]) from None


def _scratch_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}")
