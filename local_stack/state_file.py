"""The state file of a data directory: which processes run, on which ports, under which URLs.

Other commands and tests read it. Its mode is 0600, since the URL of Redis holds a password; each start makes a new one.
Process ids are used again after a process has ended. So the time at which the process started is written down as well,
and a process gets a signal only where both match.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

FILE_NAME: Final = "state.json"
"""Its name in the data directory."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Identifies one process, and not a later one with the same id."""

    pid: int
    started: str
    """When it started, by the kernel's count. Empty on a system without /proc, where the id alone has to do."""

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """The identity of the process that has this id now."""
        return cls(pid, _start_time(pid) or "")

    @classmethod
    def own(cls) -> ProcessIdentity:
        """The identity of this process."""
        return cls.of(os.getpid())

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return False  # another user's: not ours
        return _start_time(self.pid) == (self.started or None)


@dataclass(slots=True)
class StackState:
    """What the file says of one run of the local stack."""

    supervisor: ProcessIdentity
    url: str = ""
    """The shim's root."""
    redis_url: str = field(default="", repr=False)
    mongodb_uri: str = ""
    ready: bool = False
    """Whether everything has answered once. False while the stack is being started."""
    components: dict[str, ProcessIdentity] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)


def write_state(directory: Path, state: StackState) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    # NamedTemporaryFile creates with mode 0600.
    with tempfile.NamedTemporaryFile("w", dir=directory, prefix=f".{FILE_NAME}.", delete=False) as scratch:
        json.dump(asdict(state), scratch, indent=2)
        scratch.write("\n")
    Path(scratch.name).replace(directory / FILE_NAME)


def read_state(directory: Path) -> StackState | None:
    """What the file says; None where there is no file, or one that cannot be understood."""
    try:
        document = json.loads((directory / FILE_NAME).read_text(encoding="utf-8"))
        return StackState(
            supervisor=_identity(document["supervisor"]),
            url=str(document["url"]),
            redis_url=str(document["redis_url"]),
            mongodb_uri=str(document["mongodb_uri"]),
            ready=bool(document["ready"]),
            components={str(name): _identity(each) for name, each in document["components"].items()},
            ports={str(name): int(port) for name, port in document["ports"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remove_state(directory: Path) -> None:
    """Delete the file: nothing runs any more."""
    (directory / FILE_NAME).unlink(missing_ok=True)


def _identity(document: dict[str, object]) -> ProcessIdentity:
    return ProcessIdentity(int(str(document["pid"])), str(document["started"]))


def _start_time(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat. None where there is no such process, where it is a zombie, or without /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the command's name in parentheses, and may hold anything.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in {"Z", "X"} else started
