"""A shim and a worker for each module of contract tests."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.contract.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Running, Starter


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    """A whole service with the default settings."""
    running = Service(start_module_shim(module_env), start_module_worker(module_env))
    yield running
    running.http.close()


class Serve(Protocol):
    """Makes a client of this shim. The client is closed when the test ends."""

    def __call__(self, shim: Running, worker: Running | None = None) -> Service: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    """See `Serve`."""
    with ExitStack() as clients:

        def make(shim: Running, worker: Running | None = None) -> Service:
            service = Service(shim, worker)
            clients.enter_context(service.http)
            return service

        yield make


@pytest.fixture
def without_worker(isolated_env: Environment, start_shim: Starter, serve: Serve) -> Service:
    """A shim for one test, without a worker."""
    return serve(start_shim(isolated_env))
