"""Fixtures for the tests of the shim's parts."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from tests.support.broker import Brokers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    """Starts Redis servers that a test may freeze, demote or kill."""
    started = Brokers(tmp_path)
    yield started
    started.kill()


@pytest.fixture(scope="module", autouse=True)
def _left_over() -> Iterator[None]:
    """Have a socket that a file of tests forgot warn in that file, and not in whichever runs by then."""
    yield
    gc.collect()
