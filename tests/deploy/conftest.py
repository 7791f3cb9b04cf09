"""The metrics of a running shim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.conftest import Environment, Starter


@pytest.fixture(scope="module")
def scrape(module_env: Environment, start_module_shim: Starter) -> str:
    """The metrics of a shim after its first request."""
    shim = start_module_shim(module_env)
    httpx.get(f"{shim.url}/healthz")
    return httpx.get(f"{shim.url}/metrics").text
