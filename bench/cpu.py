"""CPU time of processes, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of all its descendants, also those that have ended and were waited for."""
    total = _own(pid)
    for child in _children(pid):
        total += cpu_seconds(child)
    return total


def resident_mib(pid: int) -> float:
    """Memory of the process alone that is resident now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _own(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _listed(task / "children")]


def _listed(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
