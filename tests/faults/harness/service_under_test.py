"""What clients and checkers must know of a service that is put through faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Mapping
    from pathlib import Path

    import redis


class ServiceUnderTest(Protocol):
    """A service on one machine, or on several."""

    @property
    def url(self) -> str:
        """The URL of the methods, for the next call."""

    @property
    def token(self) -> str:
        """The token of a caller."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of the shim, for more tokens."""

    @property
    def all_count(self) -> bool:
        """Whether every process is of a release whose steps count what they do."""

    @property
    def folder(self) -> Path:
        """Where all files are; those of Redis are in folders whose names begin with `redis`."""

    @property
    def at_the_end(self) -> contextlib.ExitStack:
        """What is closed at the test's end."""

    def redis_client(self) -> redis.Redis:
        """A client of Redis."""

    def customers(self) -> list[dict[str, Any]]:
        """All customers that a majority of MongoDB has stored, as far as the test could have made them."""

    def logs(self) -> bytes:
        """The logs of all shims and workers."""
