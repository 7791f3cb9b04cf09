"""Says in words how a process ended."""

from __future__ import annotations

import signal
from typing import Final

NO_AVX: Final = (
    "this processor lacks AVX, which MongoDB 5 and newer need: use a machine, or a type of virtual machine, that has it"
)
"""What an illegal instruction means where `mongod` ends by one."""


def how_it_ended(name: str, exit_code: int | None) -> str:
    """The exit code, or the signal's name. For `mongod` it explains an illegal instruction."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    if exit_code == -signal.SIGILL:
        return f"SIGILL: {NO_AVX}" if name.startswith("mongo") else "SIGILL"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
