"""The service that tests of commands share."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.conftest import fresh_environment, starters_of
from tests.contract.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Servers


@pytest.fixture(scope="package")
def service(stack: Servers) -> Iterator[Service]:
    """A shim and a worker with the default settings, which all tests of one process share."""
    environment = fresh_environment(stack)
    with starters_of(stack) as starters:
        running = Service(starters.shim(environment), starters.worker(environment))
        with closing(running.http):
            yield running
