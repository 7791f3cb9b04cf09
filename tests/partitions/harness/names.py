"""A name of a machine, as the hosts that use it find it. It can be made to lead to another one.

Each of these hosts has a file of its own in the place of `/etc/hosts`, in a mount namespace of its own.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.partitions.harness.namespaces import CommandError, run, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "redis-primary"
"""The name of the machine whose Redis is the primary."""

_NOBODY: Final = "192.0.2.1"
"""An address that no machine has."""

_LONGEST_ADDRESS: Final = len("255.255.255.255")


@functools.cache
def why_not() -> str:
    """Why no process can be given names of its own here. Empty where one can."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(*Names(Path(folder) / "hosts").command(tool("true")))
        except CommandError as error:
            return f"this user, or this kernel, cannot mount a file: {error}"
    return ""


class Names:
    """The file, in which `NAME` leads to one address."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_text(_line(_NOBODY) + "127.0.0.1 localhost\n", encoding="ascii")

    def lead_to(self, address: str) -> None:
        """Have the name lead to this address from now on."""
        # In place, since the file is what is mounted, and in one piece: somebody may be reading it.
        with self._path.open("r+b", buffering=0) as file:
            file.write(_line(address).encode("ascii"))

    def command(self, *command: str) -> Sequence[str]:
        """This command, run by a process that finds the name here. The process stays the same: nothing is forked."""
        script = f'{tool("mount")} --bind "$0" /etc/hosts && exec "$@"'
        return (
            *(tool("unshare"), "--mount", "--propagation", "private"),
            *(tool("sh"), "-c", script, str(self._path), *command),
        )


def _line(address: str) -> str:
    return f"{address:<{_LONGEST_ADDRESS}} {NAME}\n"
