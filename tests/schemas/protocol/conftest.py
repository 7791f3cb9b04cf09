"""Fixtures of the tests of single steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from schemas.protocol.steps import overseeing
from tests.schemas.protocol.notifying import Notifying
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis


@pytest.fixture
def removed_by_hand() -> list[str]:
    """The tasks that the test makes disappear. All others must be accounted for in the end."""
    return []


@pytest.fixture
def scripts(redis_client: redis.Redis, removed_by_hand: list[str]) -> Iterator[Scripts]:
    """The steps, on a store where counting has begun."""
    scripts = Scripts(redis_client)
    scripts.run(overseeing.sample())
    yield scripts
    overview = scripts.overview()
    assert overview.unaccounted == len(removed_by_hand), overview


@pytest.fixture
def task_id() -> str:
    return new_task_id()


@pytest.fixture
def accepted(scripts: Scripts, task_id: str) -> str:
    scripts.accept(task_id)
    return task_id


@pytest.fixture
def notifying(redis_client: redis.Redis) -> Notifying:
    """It sends, and the endpoint is known."""
    one = Notifying(redis_client)
    assert one.lease()
    assert one.take() == []
    return one
