"""What runs, written down (mode 0600) so that other commands and tests find it: processes, ports and URLs.

The URL of Redis holds its password, which the command line needs for dead letters; a new one is made at every start.
A process id alone proves nothing, since ids are used again. With the time at which the process started it names one
process and no other, and only such a one is ever signalled.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE_NAME = "state.json"


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, told apart from any other that gets its id later."""

    pid: int
    started: str
    """As the kernel counts it; empty where it does not tell (then the id alone must do)."""

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """The identity of a process that runs now."""
        return cls(pid, _start_time(pid) or "")

    @classmethod
    def own(cls) -> ProcessIdentity:
        """This process."""
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
    """One run of the local stack."""

    supervisor: ProcessIdentity
    url: str = ""
    """The shim's."""
    redis_url: str = field(default="", repr=False)
    mongodb_uri: str = ""
    ready: bool = False
    """Whether everything answered once; a start that is under way has not."""
    components: dict[str, ProcessIdentity] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)


def write_state(directory: Path, state: StackState) -> None:
    """Replace the file at once: a reader never sees half of it."""
    # NamedTemporaryFile creates with mode 0600.
    with tempfile.NamedTemporaryFile("w", dir=directory, prefix=f".{FILE_NAME}.", delete=False) as scratch:
        json.dump(asdict(state), scratch, indent=2)
        scratch.write("\n")
    Path(scratch.name).replace(directory / FILE_NAME)


def read_state(directory: Path) -> StackState | None:
    """What the file says; None where there is none, or none that can be understood."""
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
    """Nothing runs any more."""
    (directory / FILE_NAME).unlink(missing_ok=True)


def _identity(document: dict[str, object]) -> ProcessIdentity:
    return ProcessIdentity(int(str(document["pid"])), str(document["started"]))


def _start_time(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat; None where there is no such process or no /proc, or where it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the command's name in parentheses, and may hold anything.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in {"Z", "X"} else started
