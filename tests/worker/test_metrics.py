"""What a worker counts."""

from __future__ import annotations

from worker.metrics import WorkerMetrics


def test_what_has_ended_is_signups_and_rows_that_got_their_outcomes() -> None:
    metrics = WorkerMetrics()
    metrics.rows_ended({"created": 256, "duplicate_key": 2})
    metrics.task_ended("created")
    metrics.task_ended("failed")
    assert metrics.ended() == 259
