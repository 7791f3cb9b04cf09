"""A notifier in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.notifier.process import Notifying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter


@pytest.fixture
def notifying(isolated_env: Environment, tmp_path: Path, start_notifier: Starter) -> Iterator[Notifying]:
    one = Notifying(isolated_env, tmp_path / "endpoints.toml", start_notifier)
    yield one
    one.client.close()
