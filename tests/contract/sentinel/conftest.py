"""A service for each test of Sentinels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service


class Start(Protocol):
    """Starts a shim and a worker with these settings."""

    def __call__(self, url: str) -> Service: ...


@pytest.fixture
def start(isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve) -> Start:
    """See `Start`."""

    def both(url: str) -> Service:
        env = {**isolated_env, "INTAKE_REDIS_URL": url}
        worker = start_worker(env)
        return serve(start_shim(env), worker)

    return both
