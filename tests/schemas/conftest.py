"""Fixtures for the tests of `schemas`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Every run has the same examples, so a test that fails here fails on any machine. A slow machine must not fail them.
settings.register_profile("specification", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("specification")


@pytest.fixture
def redis_client(isolated_env: Mapping[str, str]) -> Iterator[redis.Redis]:
    """A client of a real Redis with an empty database."""
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"], protocol=2) as client:
        yield client
