"""A collector for each module, and a whole service that sends every trace to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.service import Service
from tests.support.collector import Collector, a_collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Starter


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector that takes what comes."""
    with a_collector() as one:
        yield one


@pytest.fixture(scope="module")
def traced_service(
    module_env: Environment, collector: Collector, start_module_shim: Starter, start_module_worker: Starter
) -> Iterator[Service]:
    """A shim and a worker that record every trace."""
    running = Service(
        start_module_shim(module_env, **collector.settings), start_module_worker(module_env, **collector.settings)
    )
    yield running
    running.http.close()
