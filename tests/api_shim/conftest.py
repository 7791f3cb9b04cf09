"""Fixtures for the tests of the shim's parts."""

from __future__ import annotations

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
