"""What hostile clients cost the shim, and what they cost another client."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Self

from bench.cpu import resident_mib
from bench.driver import at_rate
from bench.service import TRIVIAL_HASH, Service

if TYPE_CHECKING:
    from pathlib import Path

RATE: Final = 10.0
"""Signups a second that the harmless client sends."""

_LOOK_SECONDS: Final = 0.5
"""How often memory is looked at."""


def hostile(folder: Path, *, quiet_seconds: float, seconds: float) -> dict[str, Any]:
    """A client's signups, alone and during all attacks of `bench.attackers` at once, and the shim's memory."""
    with Service(folder) as service:
        service.start_shim(INTAKE_RATE_PER_SECOND=f"{2 * RATE:g}")
        service.start_worker(**TRIVIAL_HASH)
        target = service.target()
        service.warm_up(20)
        quiet = at_rate(target.port, target.signups("quiet"), per_second=RATE, seconds=quiet_seconds)
        before = service.memory()["shim"]
        with _Attack(target.port, service.token(sub="attacker"), seconds), _Highest(service.shim.pid or 0) as highest:
            beside = at_rate(target.port, target.signups("beside"), per_second=RATE, seconds=seconds)
        return {
            "quiet_p50_ms": 1000 * quiet.percentile(0.5),
            "quiet_p99_ms": 1000 * quiet.percentile(0.99),
            "beside_p50_ms": 1000 * beside.percentile(0.5),
            "beside_p99_ms": 1000 * beside.percentile(0.99),
            "p99_ratio": beside.percentile(0.99) / quiet.percentile(0.99),
            "memory_mib_before": before,
            "memory_mib_highest": highest.mib,
            "memory_mib_added": highest.mib - before,
            "statuses": beside.statuses,
        }


class _Attack:
    """The process that attacks."""

    def __init__(self, port: int, token: str, seconds: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.attackers", str(port), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(token + "\n")
        self._process.stdin.close()

    def __enter__(self) -> None:
        """Return once it has begun to attack."""

    def __exit__(self, *_: object) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said:
            print(f"attacks: {said.read().strip()}", file=sys.stderr)
        self._process.wait()


class _Highest:
    """The most resident memory of a process that was seen while this ran."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.mib = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.mib = max(self.mib, resident_mib(self._pid))
            if self._over.wait(_LOOK_SECONDS):
                return
