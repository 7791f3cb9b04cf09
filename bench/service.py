"""The service that is measured, with real servers and with its default settings."""

from __future__ import annotations

import itertools
import urllib.request
from typing import TYPE_CHECKING, Any, Final, Self

import redis
from pymongo import MongoClient

from bench.cpu import Meter, cpu_seconds, resident_mib
from bench.driver import saturate
from bench.requests import Target
from bench.waiting import wait_while
from cli.local_tokens import DEFAULT_SCOPE, sign_token
from local_stack.environments import Environments, environment_without_settings
from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import LOOPBACK, free_port
from local_stack.redis_server import RedisServer
from local_stack.secret_files import ensure_secret_files
from local_stack.service_process import (
    CONSOLE,
    NOTIFIER,
    SHIM,
    WORKER,
    service_process,
    start_service_process,
)
from schemas.protocol.keys import OPEN_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local_stack.process import ManagedProcess

TRIVIAL_HASH: Final = {"INTAKE_ARGON2_TEST_PROFILE": "1"}
"""A setting that makes hashes cost almost nothing, so that a bench shows what everything else can do."""

_DRAIN_SECONDS: Final = 300
"""How long the worker may take to finish all tasks."""

_EXPORTED: Final = 'intake_spans_total{result="exported"} '
"""How the line of a process' metric of sent spans begins."""

_HASH_CPU: Final = "intake_password_hash_cpu_seconds_total "
"""How the line of the worker's metric begins."""


class Service:
    """Redis, MongoDB, one shim and one worker on free ports."""

    def __init__(self, folder: Path, *, replica: bool = False) -> None:
        """`replica`: whether Redis has a replica, on this machine too."""
        folder.mkdir(parents=True, exist_ok=True)
        # A replica logs in at its primary as nobody. Both listen on this machine alone.
        self.redis = RedisServer(folder / "redis", free_port(), password=None if replica else "")
        self.replica = (
            RedisServer(folder / "replica", free_port(), [f"replicaof 127.0.0.1 {self.redis.port}"], password=None)
            if replica
            else None
        )
        self.mongo = MongoReplicaSet(folder / "mongo", [free_port()])
        self._folder = folder
        self._port = free_port()
        self._metrics_port = free_port()
        self._runs = itertools.count()
        self._secrets = ensure_secret_files(folder / "secrets")
        self._environments = Environments(
            redis_url=self.redis.url,
            mongodb_uri=self.mongo.uri,
            secrets=self._secrets,
            base={**environment_without_settings(), "TMPDIR": str(folder), "INTAKE_LOG_FORMAT": "json"},
        )
        self.shim = self._shim()
        self.worker = self._worker()
        self._others: list[ManagedProcess] = []

    def __enter__(self) -> Self:
        self.redis.start()
        if self.replica is not None:
            self.replica.start()
            wait_while(lambda: not self._has_replica(), [self.replica.process])
        self.mongo.start()
        self.start_shim()
        return self

    def __exit__(self, *_: object) -> None:
        self.shim.terminate()  # if killed, it would leave the files of its metrics behind
        self.worker.kill()
        for each in self._others:
            each.kill()
        self.mongo.kill()
        if self.replica is not None:
            self.replica.kill()
        self.redis.kill()

    def start_shim(self, **settings: str) -> None:
        """Start the shim with these settings and wait until it listens. One that runs is stopped first."""
        self.shim.terminate()
        self.shim = self._shim(**settings)
        start_service_process(self.shim)

    def start_worker(self, **settings: str) -> None:
        """Start the worker with these settings and wait until it takes tasks. One that runs is killed first."""
        self.worker.kill()
        self.worker = self._worker(**settings)
        start_service_process(self.worker)

    def start_notifier(self, file: Path) -> ManagedProcess:
        """Start a notifier with this file of endpoints, which may be on this machine."""
        process = self._process("notifier", NOTIFIER, self._environments.notifier(file=file))
        self._others.append(process)
        start_service_process(process)
        return process

    def start_console(self) -> tuple[ManagedProcess, int]:
        """Start a console. Returns it with its port."""
        port = free_port()
        process = self._process("console", CONSOLE, self._environments.console(port=port))
        self._others.append(process)
        start_service_process(process)
        return process, port

    def stop_worker(self) -> None:
        """Let the worker finish the tasks that it has begun, and stop it."""
        self.worker.terminate(30)

    def target(self, **headers: str) -> Target:
        """The method that takes signups, called with a token and these headers."""
        path = "/services/customer/v1/customer.create"
        return Target(self._port, path, {"authorization": f"Bearer {self.token()}", **headers})

    def token(self, *, sub: str = "bench", scopes: Sequence[str] = (DEFAULT_SCOPE,)) -> str:
        """A caller's token, good for a day."""
        return sign_token(self._secrets.jwt_secret, sub=sub, scopes=scopes)

    def warm_up(self, requests: int, *, connections: int = 4) -> None:
        """Send signups that do not count. Where a worker runs, wait for their outcomes."""
        run = f"warm-{next(self._runs)}"
        saturate(self._port, self.target().signups(run), requests=requests, connections=connections)
        if self.worker.alive:
            self.wait_until_drained()

    def meter(self) -> Meter:
        """A meter that reads what the components consume from now on."""
        return Meter(self.cpu)

    def cpu(self) -> dict[str, float]:
        """The CPU seconds that each component has used until now."""
        processes = {
            "shim": self.shim,
            "worker": self.worker,
            "redis": self.redis.process,
            "mongod": self.mongo.members[0].process,
        }
        return {name: cpu_seconds(each.pid) if each.alive and each.pid else 0.0 for name, each in processes.items()}

    def hash_cpu_seconds(self) -> float:
        """The CPU seconds that the worker has spent in hashes, by its own metric."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(_HASH_CPU):
                    return float(line.removeprefix(_HASH_CPU))
        raise LookupError(_HASH_CPU)

    def memory(self, *, peak: bool = False) -> dict[str, float]:
        """Resident memory in MiB of the shim and of the worker, now or at its peak."""
        running = [each for each in (self.shim, self.worker) if each.alive]
        return {each.name: resident_mib(each.pid, peak=peak) for each in running if each.pid}

    def redis_url(self, database: int) -> str:
        """The URL of another database of the same Redis."""
        return self.redis.url_with(database=database)

    def exported_spans(self, component: str) -> float:
        """How many spans the `shim` or the `worker` has sent to its collector."""
        port = self._port if component == "shim" else self._metrics_port
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(_EXPORTED))

    def redis_client(self, database: int = 0) -> redis.Redis:
        """A client of one Redis database. The caller closes it."""
        return redis.Redis.from_url(self.redis_url(database))

    def redis_bytes(self) -> int:
        """What Redis has allocated, without its buffers for the append-only file and for clients."""
        with self.redis_client() as client:
            info: dict[str, Any] = client.info("memory")
        return int(info["used_memory"]) - int(info["mem_aof_buffer"]) - int(info["mem_clients_normal"])

    def mongo_client(self) -> MongoClient[dict[str, Any]]:
        """A client of MongoDB. The caller closes it."""
        return MongoClient(self.mongo.uri)

    def open_tasks(self, database: int = 0) -> int:
        """How many accepted tasks have no outcome yet."""
        with self.redis_client(database) as client:
            return int(client.zcard(OPEN_KEY))

    def wait_until_drained(self, *, down_to: int = 0, database: int = 0) -> None:
        """Return when at most `down_to` accepted tasks have no outcome yet."""
        with self.redis_client(database) as client:
            wait_while(
                lambda: client.zcard(OPEN_KEY) > down_to,
                [self.worker, self.redis.process, self.mongo.members[0].process],
                seconds=_DRAIN_SECONDS,
            )

    def _has_replica(self) -> bool:
        with self.redis_client() as client:
            return bool(client.wait(1, 100))

    def _shim(self, **settings: str) -> ManagedProcess:
        environment = self._environments.shim(port=self._port, INTAKE_DRAIN_SECONDS="0")
        return self._process("shim", SHIM, {**environment, **settings})

    def _worker(self, **settings: str) -> ManagedProcess:
        environment = self._environments.worker(health_file=self._folder / "health", metrics_port=self._metrics_port)
        return self._process("worker", WORKER, {**environment, **settings})

    def _process(self, name: str, module: str, environment: dict[str, str]) -> ManagedProcess:
        log_path = self._folder / f"{name}-{next(self._runs)}.log"
        return service_process(name, module, environment, log_path=log_path)
