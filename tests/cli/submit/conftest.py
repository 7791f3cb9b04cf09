"""Files for the tests of `submit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.submission import lines_of
from tests.contract.service import an_email
from tests.support.requests import a_request

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A file of fifty signups; its name is new, and with it the batch's."""
    path = tmp_path / f"{an_email()}.jsonl"
    path.write_text(lines_of([a_request(email=an_email()) for _ in range(50)]))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a table; its name is new, and with it the batch's."""
    return tmp_path / f"{an_email()}.csv"
