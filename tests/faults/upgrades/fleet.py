"""Shims behind a balancer, and workers, each of the release that the test chooses."""

from __future__ import annotations

import itertools
import json
import signal
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import urlopen

from local_stack.ports import free_port
from local_stack.service_process import SHIM, WORKER, service_process, start_service_process
from tests.faults.harness.arena import Arena
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_stack.process import ManagedProcess

SIZE: Final = 2
"""How many shims there are, and how many workers."""

_STOP_SECONDS: Final = 28
"""Within this time a process must have stopped by itself."""


class Member:
    """A shim or a worker. What is restarted keeps its port and its log."""

    def __init__(self, name: str, module: str, environment: dict[str, str], *, log_path: Path) -> None:
        self.name = name
        self.module = module
        self.environment = environment
        self.log_path = log_path
        self.process: ManagedProcess | None = None

    @property
    def port(self) -> int:
        """Where it listens, if it is a shim."""
        return int(self.environment["INTAKE_PORT"])

    def start(self, code: Path) -> None:
        """Run the release in this folder, and wait until it says that it works."""
        self.process = service_process(self.name, self.module, self.environment, log_path=self.log_path, directory=code)
        start_service_process(self.process)

    def is_ready(self) -> bool:
        """Whether a balancer would send requests to this shim."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=3):
                return True
        except (HTTPError, OSError):
            return False


class Fleet(Arena):
    """An arena whose requests go to its shims in turn, as far as these are ready."""

    all_count = False

    def __init__(self, folder: Path, code: Path, **settings: str) -> None:
        """Make a fleet of one release. Nothing runs before it is entered."""
        super().__init__(folder, settings=settings)
        self._code = code
        self.shims = [self._member(SHIM, number, INTAKE_PORT=str(free_port())) for number in range(SIZE)]
        self.consumers = [
            self._member(WORKER, number, INTAKE_WORKER_HEALTH_FILE=str(folder / f"health-{number}.json"))
            for number in range(SIZE)
        ]
        self._serving = list(self.shims)
        self._turns = itertools.count()

    def start_shim(self) -> None:
        """Start all shims and workers of the fleet."""
        self.at_the_end.callback(self._kill_all)
        for member in (*self.consumers, *self.shims):
            member.start(self._code)

    @property
    def url(self) -> str:
        """The URL of the methods at the shim whose turn it is."""
        serving = self._serving
        return f"http://127.0.0.1:{serving[next(self._turns) % len(serving)].port}/services/customer/v1"

    def replace_worker(self, member: Member, code: Path) -> None:
        """Stop a worker as an operator does, and start it again with this code."""
        _stop(member)
        member.start(code)

    def replace_shim(self, member: Member, code: Path) -> None:
        """Stop a shim as an operator does, and start it with this code. The balancer asks whether it is ready."""
        assert member.process is not None
        member.process.ask_to_stop()
        wait_until(lambda: not member.is_ready(), timeout=_STOP_SECONDS, what="the shim is no longer ready")
        self._serving = [each for each in self.shims if each is not member]
        _stop(member)
        member.start(code)
        wait_until(member.is_ready, timeout=30, what="the shim is ready")
        self._serving = list(self.shims)

    def logs(self) -> bytes:
        """The logs of all shims and workers."""
        return b"".join(member.log_path.read_bytes() for member in (*self.shims, *self.consumers))

    def server_errors(self) -> list[dict[str, Any]]:
        """The answers of the methods with a status from 500 on, as the shims have logged them."""
        return [line for line in self._requests() if line["status"] >= 500 and line["method"].startswith("customer.")]

    def _requests(self) -> Iterator[dict[str, Any]]:
        for member in self.shims:
            for line in member.log_path.read_text().splitlines():
                if '"request"' in line and (document := json.loads(line))["event"] == "request":
                    yield document

    def _member(self, module: str, number: int, **settings: str) -> Member:
        name = f"{module}-{number}"
        environment = {**self.environment, **settings}
        return Member(name, module, environment, log_path=self.folder / f"{name}.log")

    def _kill_all(self) -> None:
        for member in (*self.shims, *self.consumers):
            if member.process is not None:
                member.process.kill()


def _stop(member: Member) -> None:
    assert member.process is not None
    assert member.process.terminate(_STOP_SECONDS), f"{member.name} did not stop by itself"
    # uvicorn ends with the signal that stopped it.
    assert member.process.exit_code in {0, -signal.SIGTERM}
