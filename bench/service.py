"""The service as it is measured: everything on, real servers, settings as shipped."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

import jwt
import redis

from bench.cpu import cpu_seconds, resident_mib
from bench.driver import Target
from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from local_stack.redis_server import RedisServer
from schemas.sealing import generate_key_pair
from schemas.task_record import OPEN_KEY

if TYPE_CHECKING:
    from pathlib import Path

_JWT_SECRET = "bench-jwt-secret-" * 3
_PAUSE = threading.Event()


class Service:
    """Redis, MongoDB, one shim and one worker on free ports."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.redis = RedisServer(folder / "redis", free_port())
        self.mongo = MongoReplicaSet(folder / "mongo", [free_port()])
        self.port = free_port()
        pair = generate_key_pair()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("INTAKE_")},
            "INTAKE_REDIS_URL": self.redis.url,
            "INTAKE_MONGODB_URI": self.mongo.uri,
            "INTAKE_ID_KEY": "bench-id-key-" * 4,
            "INTAKE_JWT_SECRET": _JWT_SECRET,
            "INTAKE_SEALING_PUBLIC_KEY": pair.public_line,
            "INTAKE_SEALING_PRIVATE_KEYS": pair.private_line,
            "INTAKE_PORT": str(self.port),
            "INTAKE_LOG_FORMAT": "json",
            "INTAKE_WORKER_HEALTH_FILE": str(folder / "health"),
            **settings,
        }
        self._health = folder / "health"
        self.shim = self._process(folder, "shim", "api_shim", environment)
        self.worker = self._process(folder, "worker", "worker", environment)

    def __enter__(self) -> Self:
        self.redis.start()
        self.mongo.start()
        self.shim.start()
        self._wait(lambda: b"Uvicorn running" in self.shim.log_path.read_bytes())
        return self

    def __exit__(self, *_: object) -> None:
        self.shim.kill()
        self.worker.kill()
        self.mongo.kill()
        self.redis.kill()

    def start_worker(self) -> None:
        """Start the worker and wait until it consumes."""
        self.worker.start()
        self._wait(self._health.exists)

    def target(self, **headers: str) -> Target:
        """Where signups go."""
        claims = {"sub": "bench", "scope": "customer:create", "exp": int(time.time()) + 86400}
        token = jwt.encode(claims, _JWT_SECRET, "HS256")
        path = "/services/customer/v1/customer.create"
        return Target(self.port, path, {"authorization": f"Bearer {token}", **headers})

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each component until now."""
        pids = {
            "shim": self.shim.pid,
            "worker": self.worker.pid if self.worker.alive else None,
            "redis": self.redis.process.pid,
            "mongod": self.mongo.members[0].process.pid,
        }
        return {name: cpu_seconds(pid) if pid else 0.0 for name, pid in pids.items()}

    def memory(self) -> dict[str, float]:
        """Resident MiB of the shim and the worker."""
        return {each.name: resident_mib(each.pid) for each in (self.shim, self.worker) if each.alive and each.pid}

    def wait_until_drained(self, *, seconds: float = 300) -> None:
        """Return when every accepted task has its outcome."""
        with redis.Redis.from_url(self.redis.url) as client:
            self._wait(lambda: not client.zcard(OPEN_KEY), seconds=seconds)

    def _process(self, folder: Path, name: str, module: str, environment: dict[str, str]) -> ManagedProcess:
        return ManagedProcess(
            name, [sys.executable, "-m", module], log_path=folder / f"{name}.log", environment=environment
        )

    def _wait(self, condition: object, *, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.worker.log_tail(5)}\n{self.shim.log_tail(5)}")
            _PAUSE.wait(0.01)
