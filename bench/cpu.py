"""CPU time and memory of processes, as the kernel counts them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from worker.settings import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TICKS: Final = os.sysconf("SC_CLK_TCK")
"""The kernel's ticks a second."""

_IDLE: Final = 3
"""The place of idle time in a line of /proc/stat, see proc(5)."""

_IOWAIT: Final = 4
"""The place of the time in which a core waited for a disk."""

_GUEST: Final = 8
"""The place of guest time. It is already counted as user time."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its descendants, including those that have ended and were waited for."""
    total = _own(pid)
    for child in _children(pid):
        total += cpu_seconds(child)
    return total


def resident_mib(pid: int, *, peak: bool = False) -> float:
    """Resident memory of the process without its children, now or at its peak."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


@dataclass(frozen=True)
class Consumed:
    """The CPU seconds that were used between two moments."""

    seconds: float
    """The time between them."""
    components: dict[str, float]
    driver: float
    """What this process used."""
    others: float
    """What everything else on these cores used, including the kernel's threads and other virtual machines."""

    def milliseconds_each(self, count: int) -> dict[str, float]:
        """The CPU milliseconds of each component for one of `count` things that were done."""
        return {name: 1000 * each / count for name, each in self.components.items()}

    def shares(self, hash_seconds: float | None = None) -> dict[str, float]:
        """What share of the cores' time went where. The hashes took `hash_seconds` of the CPU time."""
        total = usable_cores() * self.seconds
        shares = {
            "driver": self.driver / total,
            "others": self.others / total,
            "idle": 1 - (sum(self.components.values()) + self.driver + self.others) / total,
        }
        if hash_seconds is not None:
            shares["hash_of_all"] = hash_seconds / total
            shares["hash_of_what_others_leave"] = hash_seconds / (total - self.driver - self.others)
        return shares


class Meter:
    """Reads the CPU time that is used after this object was made."""

    def __init__(self, components: Callable[[], Mapping[str, float]]) -> None:
        self._components = components
        self._began = self._read()

    def read(self) -> Consumed:
        """The CPU time used until now."""
        (seconds, busy, driver, parts), (now, busy_now, driver_now, parts_now) = self._began, self._read()
        used = {name: parts_now[name] - parts[name] for name in parts}
        own = driver_now - driver
        # The two counters tick at different moments, so the difference can be slightly negative.
        others = max(0.0, busy_now - busy - own - sum(used.values()))
        return Consumed(now - seconds, used, own, others)

    def _read(self) -> tuple[float, float, float, Mapping[str, float]]:
        return time.perf_counter(), _busy_seconds(), time.process_time(), self._components()


def _busy_seconds() -> float:
    """How many seconds the cores that this process may use have been busy with anything at all."""
    cores = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    total = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in cores:
            total += sum(int(field) for field in fields[:_GUEST]) - int(fields[_IDLE]) - int(fields[_IOWAIT])
    return total / _TICKS


def _own(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has ended: its parent has its time
    # utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []
    return [int(child) for thread in threads for child in _listed(thread / "children")]


def _listed(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
