"""Tells which processes have a TCP port. A server that could not start there does not know that."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
"""Linux' lists of sockets. See proc(5): local address, remote address, state, and inode in the tenth column."""

_STATES: Final = {"01": "ESTABLISHED", "06": "TIME_WAIT", "07": "CLOSE", "08": "CLOSE_WAIT", "0A": "LISTEN"}
"""The states that matter, by the numbers of the kernel's `tcp_states.h`."""


def holders_of(port: int) -> str:
    """One line for each socket at this port of any local address: its state, and the process that has it."""
    found = []
    for table in map(Path, _TABLES):
        if not table.exists():
            continue
        for line in table.read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            if int(columns[1].rpartition(":")[2], 16) == port:
                state = _STATES.get(columns[3], columns[3])
                found.append(f"port {port}: {state} to {columns[2]}, {_process_of(columns[9])}")
    return "\n".join(found) or f"port {port}: no socket is there now"


def _process_of(inode: str) -> str:
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(each.readlink()) == f"socket:[{inode}]" for each in descriptors.iterdir()):
                command = (descriptors.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f"process {descriptors.parent.name}: {command}"
        except OSError:  # it has ended, or is another user's
            continue
    return "no process that can be seen"
