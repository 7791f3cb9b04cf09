"""What a process says of itself while it runs: who it is, what it holds, how fast it is."""

from __future__ import annotations

import os
import secrets
import socket
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from schemas.protocol.overview import Details

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE_SECONDS: Final = 1.0
"""How often each process offers a sample of the counts. The first one in a second is kept."""

ANNOUNCE_SECONDS: Final = 5.0
"""How often a process says that it runs."""


def _version() -> str:
    try:
        return version("customer-intake")
    except PackageNotFoundError:  # it runs from its sources, and is not installed
        return "unknown"


class Identity:
    """Who a process is, from its start on."""

    def __init__(self, kind: str) -> None:
        """`kind` is `worker`, `shim`, or what else the process is."""
        self.name = secrets.token_hex(8)
        """A random name."""
        self._kind = kind
        self._version = _version()
        self._started_at_milliseconds = int(1000 * time.time())
        self._told_at = time.monotonic()
        self._told_done = 0.0

    def details(
        self,
        *,
        holds: Mapping[str, int],
        done: float,
        taking: bool,
        away: Mapping[str, int] | None = None,
        refused: Mapping[str, str] | None = None,
    ) -> Details:
        """What the process says now.

        Args:
            holds: what it works on, and how many of that.
            done: how much it has done since its start. From two such numbers comes its rate.
            taking: whether it takes tasks, accepts requests, or sends events.
            away: each dependency that it cannot use, and since when, in Unix milliseconds.
            refused: of these, each that answers and refuses, and why, in words of ours.
        """
        now = time.monotonic()
        seconds, self._told_at = now - self._told_at, now
        more, self._told_done = done - self._told_done, done
        return Details(
            kind=self._kind,
            version=self._version,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at_milliseconds=self._started_at_milliseconds,
            holds=dict(holds),
            per_second=round(more / seconds, 2) if seconds > 0 else 0.0,
            taking=taking,
            away=dict(away or {}),
            refused=dict(refused or {}),
        )
