"""A machine of the network: a cable, and the processes that run on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import local_stack
from local_stack.process import ManagedProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.partitions.harness.names import Names
    from tests.partitions.harness.network import Cable, Network

_ROOT: Final = Path(local_stack.__file__).resolve().parents[1]
"""Where `python -m worker` finds this project."""


class Host:
    """One machine. It can die with everything that runs on it, and come back with its disks."""

    def __init__(self, name: str, network: Network, folder: Path, *, names: Names | None = None) -> None:
        """Lay the cable.

        Args:
            name: what it is called.
            network: where its cable ends.
            folder: for its disks and logs.
            names: where its processes find the address of Redis' primary, if they are to find it by name.
        """
        self.name = name
        self.folder = folder / name
        self.folder.mkdir(mode=0o700)
        self.cable: Cable = network.cable()
        self.processes: list[ManagedProcess] = []
        self.is_up = True
        self._names = names

    def __repr__(self) -> str:
        return f"Host({self.name!r}, {self.address})"

    @property
    def address(self) -> str:
        """Its address. It is the same after a death."""
        return self.cable.address

    def process(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None
    ) -> ManagedProcess:
        """A process of this machine. Nothing is started yet."""
        if self._names is not None:
            command = self._names.command(*command)
        process = ManagedProcess(
            f"{self.name} {name}",
            self.cable.namespace.command(*command),
            log_path=self.folder / f"{name}.log",
            environment=environment,
            directory=_ROOT,
        )
        self.processes.append(process)
        return process

    def python_process(self, name: str, module: str, environment: Mapping[str, str]) -> ManagedProcess:
        """The same for `python -m module`."""
        return self.process(name, [sys.executable, "-m", module], environment=environment)

    def start(self) -> None:
        """Start everything that does not run."""
        for process in self.processes:
            process.start()

    def die(self) -> None:
        """Lose the power: the network falls silent first, so that nobody is told."""
        self.cable.remove()
        self.is_up = False
        self.kill()

    def come_back(self) -> None:
        """Start anew, with the disks as they were, if it has died."""
        if not self.is_up:
            # The kernel's sockets of the old machine must not speak from the new one.
            self.cable.namespace.renew()
            self.cable.lay()
            self.is_up = True
        self.start()

    def kill(self) -> None:
        """End all its processes."""
        for process in self.processes:
            process.kill()

    def logs(self) -> bytes:
        """What its processes have logged."""
        return b"".join(process.log_path.read_bytes() for process in self.processes if process.log_path.exists())
