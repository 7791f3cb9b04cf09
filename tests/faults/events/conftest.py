"""A notifier, with the Redis of all tests or with one that the test may kill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from tests.notifier.process import Notifying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter


@dataclass(frozen=True)
class OwnRedis:
    """A Redis that is the test's own."""

    server: RedisServer


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = RedisServer(tmp_path / "redis", free_port())
    server.start()
    yield OwnRedis(server)
    server.kill()


@pytest.fixture
def notifying(
    request: pytest.FixtureRequest, isolated_env: Environment, tmp_path: Path, start_notifier: Starter
) -> Iterator[Notifying]:
    environment = dict(isolated_env)
    if "own_redis" in request.fixturenames:
        own: OwnRedis = request.getfixturevalue("own_redis")
        environment["INTAKE_REDIS_URL"] = own.server.url
    one = Notifying(environment, tmp_path / "endpoints.toml", start_notifier)
    yield one
    one.client.close()
