"""Network namespaces of the kernel. Each has network devices, addresses and sockets of its own, as a machine has.

They have no names: an open file holds each. So the kernel ends all of them with this process, however it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CLONE_NEWNET: Final = 0x40000000
"""See unshare(2)."""
_OWN: Final = "/proc/thread-self/ns/net"
"""The namespace of the thread that opens it."""
_TOOLS: Final = {"ip": "iproute2", "nsenter": "util-linux", "unshare": "util-linux", "nft": "nftables"}
"""The programs that are needed, with the Debian packages that hold them."""
_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
"""Where programs of the system's administrator are looked for as well."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """One namespace. Commands and threads can be run in it."""

    def __init__(self) -> None:
        self._descriptor = _made()

    @property
    def path(self) -> str:
        """A path that leads to it while this process runs. It stays the same after `renew`."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def renew(self) -> None:
        """Take a new and empty one in its place. The old one ends, with its sockets, when no process is in it."""
        new = _made()
        os.dup2(new, self._descriptor, inheritable=False)
        os.close(new)

    def command(self, *command: str) -> tuple[str, ...]:
        """This command, run inside. The process stays the same, since nothing is forked."""
        return (tool("nsenter"), f"--net={self.path}", *command)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Have this thread inside for a while, and the processes and threads that it starts."""
        before = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(self._descriptor)
            yield
        finally:
            _enter(before)
            os.close(before)

    def close(self) -> None:
        """Let it go."""
        os.close(self._descriptor)


class CommandError(Exception):
    """A command failed. The text has the command and what it said."""


def missing_tools() -> list[str]:
    """The programs that are needed and not here, with their Debian packages."""
    return [f"{name} ({package})" for name, package in _TOOLS.items() if shutil.which(name, path=_PATH) is None]


def tool(name: str) -> str:
    """The path of a program that is needed."""
    path = shutil.which(name, path=_PATH)
    assert path is not None, f"{name} is missing"
    return path


def run(*command: str, text: str = "") -> str:
    """Run a command, with `text` on its standard input. Returns what it prints.

    Raises:
        CommandError: the command failed.
    """
    done = subprocess.run(
        [tool(command[0]), *command[1:]], input=text, capture_output=True, text=True, timeout=20, check=False
    )
    if done.returncode != 0:
        raise CommandError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def run_all(commands: Sequence[str]) -> None:
    """Run several commands of `ip` in one process."""
    run("ip", "-batch", "-", text="\n".join(commands) + "\n")


def _made() -> int:
    """Make a namespace. Returns a file that holds it."""
    made: list[int] = []
    faults: list[OSError] = []

    def make() -> None:
        # A thread can leave its namespace alone, and ends right after.
        try:
            _checked(_libc.unshare(_CLONE_NEWNET))
            made.append(os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            faults.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]
    return made[0]


def _enter(descriptor: int) -> None:
    _checked(_libc.setns(descriptor, _CLONE_NEWNET))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
