"""Fixtures for the worker's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from worker.metrics import WorkerMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@pytest.fixture
def redis_client(isolated_env: Mapping[str, str]) -> Iterator[redis.Redis]:
    """A client of a real Redis with an empty database."""
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"], protocol=2) as client:
        yield client


@pytest.fixture
def metrics() -> WorkerMetrics:
    """The metrics of one test."""
    return WorkerMetrics()
