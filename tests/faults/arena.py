"""A whole service of its own for one fault test: every process is ours to kill, pause and start again."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Self
from urllib.request import urlopen

import redis
from pymongo import MongoClient

from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from local_stack.redis_server import RedisServer
from schemas.sealing import generate_key_pair
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

VISIBILITY_TIMEOUT_SECONDS = 4
SWEEP_GRACE_SECONDS = 2
SWEEP_INTERVAL_SECONDS = 0.5

CANARY = "canary-password-7f3a"
DATABASE = "faults"


class Arena:
    """Redis, MongoDB, a shim and workers, with short times so that recovery can be watched."""

    def __init__(
        self,
        folder: Path,
        *,
        mongo_members: int = 1,
        redis_lines: Iterable[str] = (),
        shim_module: str = "api_shim",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.redis = RedisServer(folder / "redis", free_port(), redis_lines)
        self.mongo = MongoReplicaSet(folder / "mongo", [free_port() for _ in range(mongo_members)])
        self.port = free_port()
        self.workers: list[ManagedProcess] = []
        self.kills = 0
        self.at_the_end = contextlib.ExitStack()
        """What is closed with the arena, also where a test fails: a warning later would be blamed on another test."""
        pair = generate_key_pair()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("INTAKE_")},
            "INTAKE_REDIS_URL": self.redis.url,
            "INTAKE_MONGODB_URI": self.mongo.uri,
            "INTAKE_MONGODB_DATABASE": DATABASE,
            "INTAKE_MONGODB_TIMEOUT_SECONDS": "3",
            "INTAKE_ID_KEY": "fault-tests-id-key-" * 3,
            "INTAKE_JWT_SECRET": "fault-tests-jwt-secret-" * 3,
            "INTAKE_SEALING_PUBLIC_KEY": pair.public_line,
            "INTAKE_SEALING_PRIVATE_KEYS": pair.private_line,
            "INTAKE_PORT": str(self.port),
            "INTAKE_ARGON2_TEST_PROFILE": "1",
            "INTAKE_VISIBILITY_TIMEOUT_SECONDS": str(VISIBILITY_TIMEOUT_SECONDS),
            "INTAKE_SWEEP_INTERVAL_SECONDS": str(SWEEP_INTERVAL_SECONDS),
            "INTAKE_SWEEP_GRACE_SECONDS": str(SWEEP_GRACE_SECONDS),
            "INTAKE_LOG_FORMAT": "json",
            **(settings or {}),
        }
        self._shim_module = shim_module
        self.shim = self._process("shim", shim_module, {})
        self.token = token(self.environment, sub="fault-tests")

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.redis.start()
        self.mongo.start()
        self.start_shim()
        return self

    def __exit__(self, *_: object) -> None:
        self.at_the_end.close()
        for process in (self.shim, *self.workers):
            process.kill()
        for member in self.mongo.members:
            member.process.resume()
            member.kill()
        self.redis.process.resume()
        self.redis.kill()

    def rebuild_shim(self) -> None:
        """Have the shim started with the environment as it is now."""
        self.shim = self._process("shim", self._shim_module, {})

    @property
    def url(self) -> str:
        """Where the methods are."""
        return f"http://127.0.0.1:{self.port}/services/customer/v1"

    def start_shim(self) -> None:
        """Start the shim and wait until it serves."""
        self.shim.start()
        wait_until(self.shim_serves, timeout=20, what="the shim serves")

    def shim_serves(self) -> bool:
        """Whether the shim answers."""
        return self.probe("healthz") is not None

    def probe(self, name: str) -> dict[str, Any] | None:
        """The answer of a probe of the shim; None where there is none."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/{name}", timeout=3) as answer:
                return dict(json.load(answer))
        except OSError:
            return None

    def start_worker(self, *, module: str = "worker", wait: bool = True, **settings: str) -> ManagedProcess:
        """Start one more worker and, unless told otherwise, wait until it consumes."""
        number = len(self.workers)
        health = self.folder / f"health-{number}.json"
        worker = self._process(f"worker-{number}", module, {"INTAKE_WORKER_HEALTH_FILE": str(health), **settings})
        self.workers.append(worker)
        worker.start()
        if wait:
            wait_until(health.exists, timeout=30, what="the worker consumes")
        return worker

    def restart_worker(self, worker: ManagedProcess) -> None:
        """Start a worker again that has died; it consumes soon after."""
        worker.start()

    def kill(self, process: ManagedProcess) -> None:
        """SIGKILL, counted."""
        process.kill()
        self.kills += 1

    def redis_client(self) -> redis.Redis:
        """A client of this Redis."""
        return redis.Redis.from_url(self.redis.url, socket_timeout=5)

    def customers(self) -> list[dict[str, Any]]:
        """All stored customers, as a majority has them."""
        client: MongoClient[dict[str, Any]] = MongoClient(self.mongo.uri, readConcernLevel="majority")
        with client:
            return list(client[DATABASE]["customers"].find())

    def logs(self) -> bytes:
        """All that the shim and the workers wrote."""
        return b"".join(process.log_path.read_bytes() for process in (self.shim, *self.workers))

    def _process(self, name: str, module: str, settings: dict[str, str]) -> ManagedProcess:
        return ManagedProcess(
            name,
            [sys.executable, "-m", module],
            log_path=self.folder / f"{name}.log",
            environment={**self.environment, **settings},
        )
