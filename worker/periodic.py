"""Housekeeping beside the tasks. Each job has a thread of its own, so that a job that waits delays no other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from startup.seldom import Seldom
from worker.dependencies.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger("worker.housekeeping")


def run_periodically(
    job: Callable[[], object],
    *,
    name: str,
    interval_seconds: float,
    stopping: threading.Event,
    at_once: bool = False,
) -> threading.Thread:
    """Call the job every so many seconds in a daemon thread until `stopping` is set. Failures are logged seldom.

    The first call comes after the first interval, or at once.
    """
    seldom = Seldom()

    def loop() -> None:
        wait_seconds = 0 if at_once else interval_seconds
        while not stopping.wait(wait_seconds):
            wait_seconds = interval_seconds
            try:
                job()
            except Exception as error:
                if seldom.is_due(name):
                    code = {"code": error.code} if isinstance(error, TransientError) and error.code else {}
                    log.warning("housekeeping_failed", job=name, **code, exc_info=error)

    thread = threading.Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
