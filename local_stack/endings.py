"""How a process ended, in words."""

from __future__ import annotations

import signal
from typing import Final

NO_AVX: Final = (
    "this processor lacks AVX, which MongoDB 5 and newer need: use a machine, or a type of virtual machine, that has it"
)


def how_it_ended(name: str, exit_code: int | None) -> str:
    """The exit code or the signal, and for `mongod` what an illegal instruction means."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    if exit_code == -signal.SIGILL:
        return f"SIGILL: {NO_AVX}" if name.startswith("mongo") else "SIGILL"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
