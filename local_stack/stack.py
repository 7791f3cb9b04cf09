"""The whole service on one machine: starts Redis, MongoDB, workers, notifier and shim in order, and stops them."""

from __future__ import annotations

import http.client
import json
import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local_stack.environments import Environments, callers_environment
from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import LOOPBACK, free_port, free_ports, take_port
from local_stack.readiness import wait_until_ready
from local_stack.redis_server import RedisServer
from local_stack.secret_files import SecretFiles, ensure_secret_files, make_private_directory
from local_stack.service_process import CONSOLE, NOTIFIER, SHIM, WORKER, service_process
from local_stack.state_file import ProcessIdentity, StackState, remove_state, write_state

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from local_stack.process import ManagedProcess

WORKER_STOP_SECONDS: Final = 35.0
"""More than a worker allows itself for finishing its tasks."""

SHIM_STOP_SECONDS: Final = 30.0
"""More than the shim allows itself for finishing open requests."""

NOTIFIER_STOP_SECONDS: Final = 65.0
"""More than a notifier allows itself for ending its tries."""

_READY_SECONDS: Final = 60.0
"""How long the shim, a worker or the notifier may take to get ready."""

_NOTIFIER_SENDS: Final = b"intake_notifier_sends 1.0"
"""The line of the notifier's metrics that says that it sends."""

_HEALTH_SECONDS: Final = 10.0
"""A health file that is older than this does not count. The worker writes it every two seconds."""

_MAXIMUM_PORT: Final = 65_535
"""The highest port that TCP has."""


class PortTakenError(RuntimeError):
    """Another program listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken")
        self.port = port


class LocalStack:
    """All processes of one data directory. A port of 0 means any free one. Make a new object for each run.

    Without a `console_port` no console is run.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        console_port: int | None = None,
        workers: int = 1,
        stopping: threading.Event,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self._stopping = stopping
        self._workers = workers
        for each in filter(None, (port, console_port)):
            if not take_port(each):
                raise PortTakenError(each)
        self.port = port or free_port()
        self.console_port = console_port if console_port is None else console_port or free_port()
        make_private_directory(self.directory)
        for name in ("logs", "run", "redis"):
            make_private_directory(self.directory / name)
        self.secrets: SecretFiles = ensure_secret_files(self.directory / "secrets")
        redis_port, mongo_port = _server_ports(self.directory / "ports.json")
        self.redis = RedisServer(self.directory / "redis", redis_port, stopping=stopping, tell=tell)
        self.mongo = MongoReplicaSet(self.directory / "mongo", [mongo_port], stopping=stopping, tell=tell)
        self._environments = Environments(
            redis_url=self.redis.url, mongodb_uri=self.mongo.uri, secrets=self.secrets, base=callers_environment()
        )
        self._worker_ports = free_ports(workers)
        self.workers = [self._make_worker(number) for number in range(1, workers + 1)]
        file = os.environ.get("INTAKE_WEBHOOKS_FILE", "").strip()
        # Processes of the stack run in another directory than the caller's.
        self._notifier_port = free_port()
        self.notifier = self._make_notifier(Path(file).resolve()) if file else None
        """Runs where the caller's environment names a file of endpoints."""
        self.shim = self._make_process("shim", SHIM, self._environments.shim(port=self.port))
        self.console = (
            None
            if self.console_port is None
            else self._make_process("console", CONSOLE, self._environments.console(port=self.console_port))
        )

    @property
    def url(self) -> str:
        """The shim's root."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def processes(self) -> list[ManagedProcess]:
        """Every process, in the order in which they are started."""
        servers = [self.redis.process, *(member.process for member in self.mongo.members)]
        notifiers = [] if self.notifier is None else [self.notifier]
        consoles = [] if self.console is None else [self.console]
        return [*servers, *self.workers, *notifiers, self.shim, *consoles]

    def start(self, tell: Callable[[str], None]) -> None:
        """Start everything and wait until each part is ready. After a failure call `stop` for what was started.

        Raises:
            MissingServerError: there is no Redis or no MongoDB to start.
            NotReadyError: a process ended or did not get ready.
            StopRequestedError: `stopping` was set.
        """
        tell("Redis")
        self.redis.start()
        self.record()
        tell("MongoDB")
        self.mongo.start()
        self.record()
        tell("worker" if self._workers == 1 else f"{self._workers} workers")
        for number, worker in enumerate(self.workers, start=1):
            self._health_file(number).unlink(missing_ok=True)
            worker.start()
        self.record()
        for number, worker in enumerate(self.workers, start=1):
            self._wait(worker, partial(_is_fresh, self._health_file(number)))
        if self.notifier is not None:
            tell("notifier")
            self.notifier.start()
            self.record()
            self._wait(self.notifier, partial(_sends, self._notifier_port))
        tell("shim")
        self.shim.start()
        self.record()
        self._wait(self.shim, self._shim_is_ready)
        if self.console is not None and self.console_port is not None:
            tell("console")
            self.console.start()
            self.record()
            self._wait(self.console, partial(answers_ready, self.console_port, "/healthz"))
        self.record(ready=True)

    def record(self, *, ready: bool = False) -> None:
        """Write the state file, from which other commands learn what runs. `ready`: everything has answered."""
        state = StackState(
            supervisor=ProcessIdentity.own(),
            url=self.url,
            redis_url=self.redis.url,
            mongodb_uri=self.mongo.uri,
            ready=ready,
            components={
                each.name: ProcessIdentity.of(each.pid)
                for each in self.processes
                if each.alive and each.pid is not None
            },
            ports={
                "shim": self.port,
                **({} if self.console_port is None else {"console": self.console_port}),
                "redis": self.redis.port,
                **({} if self.notifier is None else {"notifier metrics": self._notifier_port}),
                **{member.name: member.port for member in self.mongo.members},
                **{
                    f"{worker.name} metrics": port
                    for worker, port in zip(self.workers, self._worker_ports, strict=True)
                },
            },
        )
        write_state(self.directory, state)

    def stop(self) -> list[str]:
        """Stop everything, the console first and Redis last. Returns the names of those that had to be killed."""
        first = (self.console, self.shim)
        killed = [each.name for each in first if each is not None and not each.terminate(SHIM_STOP_SECONDS)]
        for process in (*self.workers, *([] if self.notifier is None else [self.notifier])):
            process.ask_to_stop()
        deadline = time.monotonic() + WORKER_STOP_SECONDS
        killed += [each.name for each in self.workers if not each.wait(max(0.1, deadline - time.monotonic()))]
        if self.notifier is not None and not self.notifier.wait(NOTIFIER_STOP_SECONDS):
            killed.append(self.notifier.name)
        self.mongo.stop()
        self.redis.stop()
        remove_state(self.directory)
        return killed

    def _make_worker(self, number: int) -> ManagedProcess:
        environment = self._environments.worker(
            health_file=self._health_file(number), metrics_port=self._worker_ports[number - 1]
        )
        return self._make_process("worker" if self._workers == 1 else f"worker-{number}", WORKER, environment)

    def _make_notifier(self, file: Path) -> ManagedProcess:
        port = str(self._notifier_port)
        environment = self._environments.notifier(file=file, INTAKE_NOTIFIER_METRICS_PORT=port)
        return self._make_process("notifier", NOTIFIER, environment)

    def _make_process(self, name: str, module: str, environment: dict[str, str]) -> ManagedProcess:
        return service_process(name, module, environment, log_path=self.directory / "logs" / f"{name}.log")

    def _health_file(self, number: int) -> Path:
        return self.directory / "run" / f"worker-{number}.health"

    def _wait(self, process: ManagedProcess, ready: Callable[[], bool]) -> None:
        wait_until_ready(process, ready, timeout=_READY_SECONDS, stopping=self._stopping)

    def _shim_is_ready(self) -> bool:
        return answers_ready(self.port)


def answers_ready(port: int, path: str = "/readyz") -> bool:
    """Whether this path of the shim, or of the console, on this port answers 200."""
    return _answer(port, path) is not None


def _sends(port: int) -> bool:
    return _NOTIFIER_SENDS in (_answer(port, "/metrics") or b"")


def _answer(port: int, path: str) -> bytes | None:
    """The body of a process' answer on this port; None if it does not answer 200."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.read() if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _is_fresh(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _HEALTH_SECONDS
    except OSError:
        return False


def _server_ports(path: Path) -> tuple[int, int]:
    """The ports of Redis and MongoDB: those of the last run if both can be had, else two new ones."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        kept = (int(document["redis"]), int(document["mongo"]))
    except (OSError, ValueError, KeyError, TypeError):
        kept = (0, 0)
    if all(0 < port <= _MAXIMUM_PORT and take_port(port) for port in kept):
        return kept
    redis_port, mongo_port = free_ports(2)
    path.write_text(json.dumps({"redis": redis_port, "mongo": mongo_port}) + "\n", encoding="utf-8")
    return redis_port, mongo_port
