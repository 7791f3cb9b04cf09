"""Jobs that run again and again."""

from __future__ import annotations

import threading

from structlog.testing import capture_logs

from tests.support.waiting import wait_until
from worker.dependencies.errors import TransientError
from worker.periodic import run_periodically


def test_a_job_that_fails_is_called_again_until_the_worker_stops() -> None:
    stopping = threading.Event()
    calls: list[None] = []

    def job() -> None:
        calls.append(None)
        raise LookupError

    thread = run_periodically(job, name="job", interval_seconds=0.01, stopping=stopping)
    wait_until(lambda: len(calls) >= 3)
    stopping.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_job_that_redis_refuses_is_logged_with_the_code_of_the_refusal() -> None:
    def job() -> None:
        raise TransientError("broker", code="OOM")

    stopping = threading.Event()
    with capture_logs() as lines:
        thread = run_periodically(job, name="job", interval_seconds=0.01, stopping=stopping)
        wait_until(lambda: lines, what="it is logged")
        stopping.set()
        thread.join(5)
    assert (lines[0]["event"], lines[0]["job"], lines[0]["code"]) == ("housekeeping_failed", "job", "OOM")
