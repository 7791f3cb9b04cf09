"""A shim and a worker for each module of contract tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Starter


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    """A whole service with the default settings."""
    running = Service(start_module_shim(module_env), start_module_worker(module_env))
    yield running
    running.http.close()


@pytest.fixture
def without_worker(isolated_env: Environment, start_shim: Starter) -> Iterator[Service]:
    """A shim of its own behind which nobody works."""
    running = Service(start_shim(isolated_env))
    yield running
    running.http.close()
