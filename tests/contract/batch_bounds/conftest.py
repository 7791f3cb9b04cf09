"""Shims without a worker, and callers that no other test has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import fresh_environment
from tests.contract.batch_client import BatchClient
from tests.contract.service import an_email

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Environment, Running, Servers, Starter
    from tests.contract.conftest import Serve


@pytest.fixture(scope="module")
def shim(stack: Servers, start_module_shim: Starter) -> Running:
    """A shim with the default settings and without a worker, for tests that leave it as they find it."""
    return start_module_shim(fresh_environment(stack))


@pytest.fixture
def caller(shim: Running, serve: Serve) -> BatchClient:
    """A caller of this shim that no other test has."""
    return BatchClient(serve(shim), sub=an_email())


@pytest.fixture
def alone(isolated_env: Environment, start_shim: Starter, serve: Serve) -> Callable[..., BatchClient]:
    """Makes a caller of a shim with these settings and without a worker."""
    return lambda **settings: BatchClient(serve(start_shim(isolated_env, **settings)), sub=an_email())
