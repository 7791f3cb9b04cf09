"""Servers of long bodies and long answers."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from tests.edge.streaming_server import Server, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server with these settings."""
    servers: list[Server] = []

    def start(**settings: str) -> Server:
        servers.append(started(tmp_path, **settings))
        return servers[-1]

    yield start
    for each in servers:
        each.process.kill()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the default settings, for all tests of this file."""
    server = started(tmp_path_factory.mktemp("streaming"))
    yield server
    server.process.kill()


@pytest.fixture
def server(shared: Server) -> Server:
    """The same server, with nothing counted yet."""
    shared.reset()
    return shared


@pytest.fixture(scope="module", autouse=True)
def _left_over() -> Iterator[None]:
    """Have a socket that a file of tests forgot warn in that file, and not in whichever runs by then."""
    yield
    gc.collect()
