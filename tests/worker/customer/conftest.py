"""Fixtures for the tests of the use case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worker.customer.intake import Intake

if TYPE_CHECKING:
    import redis

    from worker.metrics import WorkerMetrics


@pytest.fixture
def intake(redis_client: redis.Redis, metrics: WorkerMetrics) -> Intake:
    return Intake(redis_client, metrics)
