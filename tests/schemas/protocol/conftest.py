"""Fixtures of the tests of single steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from tests.support.records import Scripts

if TYPE_CHECKING:
    import redis


@pytest.fixture
def scripts(redis_client: redis.Redis) -> Scripts:
    return Scripts(redis_client)


@pytest.fixture
def task_id() -> str:
    return new_task_id()


@pytest.fixture
def accepted(scripts: Scripts, task_id: str) -> str:
    scripts.accept(task_id)
    return task_id
