"""Chunks of rows for the use case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worker.customer.batch_intake import BatchIntake
from worker.metrics import WorkerMetrics

if TYPE_CHECKING:
    import redis


@pytest.fixture
def intake(redis_client: redis.Redis) -> BatchIntake:
    return BatchIntake(redis_client, WorkerMetrics())


@pytest.fixture
def batch_id(intake: BatchIntake) -> str:
    return intake.batches.open()
