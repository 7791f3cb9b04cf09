"""Peers that do the same work (validate, hash, insert, result), written the way their documentation says."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

import redis
from pymongo import MongoClient

from bench.cpu import Meter, cpu_seconds
from bench.driver import saturate
from bench.hash_limit import measure_hash_limit
from bench.requests import Target
from bench.throughput import CONNECTIONS, LIMIT_SECONDS
from bench.waiting import wait_while
from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from local_stack.redis_server import RedisServer

if TYPE_CHECKING:
    from pathlib import Path

_WARM_UP: Final = 30
"""Signups that a new worker gets before it is measured."""

_WORKERS: Final = {
    "fastapi_celery": "celery -A bench.peers.fastapi_celery:celery_app worker -c 2 -l WARNING",
    "taskiq_streams": "taskiq worker bench.peers.taskiq_streams:broker --workers 2 --log-level WARNING",
}
"""The module that starts each peer's worker, and its arguments."""


class _Peer:
    """Redis, MongoDB, a front and a worker."""

    def __init__(self, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.redis = RedisServer(folder / "redis", free_port())
        self.mongo = MongoReplicaSet(folder / "mongo", [free_port()])
        self.target = Target(free_port(), "/customers")
        self._folder, self._name = folder, name
        self.front = self._process("front", f"uvicorn bench.peers.{name}:app --port {self.target.port} --no-access-log")
        self.worker = self._process("worker", _WORKERS[name])
        self._sent = 0

    def __enter__(self) -> Self:
        self.redis.start()
        self.mongo.start()
        self.front.start()
        wait_while(lambda: b"running" not in self.front.log_path.read_bytes(), [self.front])
        self._client: MongoClient[dict[str, Any]] = MongoClient(self.mongo.uri)
        self._customers = self._client["peer"]["customers"]
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self.front.kill()
        self.worker.kill()
        self.mongo.kill()
        self.redis.kill()

    def start_worker(self, **settings: str) -> None:
        """Start the worker with these settings and warm it up. One that runs is killed first."""
        self.kill_worker()
        self.worker = self._process("worker", _WORKERS[self._name], **settings)
        self.worker.start()
        self.send(_WARM_UP, connections=2)

    def kill_worker(self) -> None:
        """Kill the worker, and delete what it leaves in Redis."""
        self.worker.kill()
        with redis.Redis.from_url(self.redis.url) as client:
            # Until Redis notices that it has gone, a message could be handed to the dead worker.
            wait_while(lambda: client.info("clients")["blocked_clients"], [self.redis.process])
            # taskiq's lock does not expire. A worker killed with it would stop all later ones.
            for key in client.scan_iter("autoclaim:*"):
                client.delete(key)

    def send(self, requests: int, *, connections: int) -> None:
        """Send signups and wait until every customer is stored."""
        self.accept(requests, connections=connections)
        wait_while(
            lambda: self._customers.estimated_document_count() < self._sent, [self.front, self.worker], seconds=300
        )

    def accept(self, requests: int, *, connections: int) -> float:
        """Send signups. Returns how many were accepted a second."""
        request = self.target.signups(f"signup-{self._sent}")
        load = saturate(self.target.port, request, requests=requests, connections=connections)
        assert set(load.statuses) == {202}, load.statuses
        self._sent += requests
        return load.per_second

    def cpu(self) -> dict[str, float]:
        """The CPU seconds that each component has used until now."""
        processes = {
            "front": self.front,
            "worker": self.worker,
            "redis": self.redis.process,
            "mongod": self.mongo.members[0].process,
        }
        return {name: cpu_seconds(each.pid) if each.alive and each.pid else 0.0 for name, each in processes.items()}

    def _process(self, name: str, command: str, **settings: str) -> ManagedProcess:
        environment = {**os.environ, "PEER_REDIS_URL": self.redis.url, "PEER_MONGODB_URI": self.mongo.uri, **settings}
        return ManagedProcess(
            name,
            [sys.executable, "-m", *command.split()],
            log_path=self._folder / f"{name}.log",
            environment=environment,
        )


def measure_peer(folder: Path, *, name: str, requests: int, trivial: int, accepts: int) -> dict[str, Any]:
    """What is measured of the service: end to end, with a trivial hash, and accepting without a worker."""
    limit = measure_hash_limit(LIMIT_SECONDS if requests > 100 else 0.2)
    with _Peer(name, folder) as peer:
        peer.start_worker()
        meter, started = Meter(peer.cpu), time.perf_counter()
        peer.send(requests, connections=CONNECTIONS)
        consumed, seconds = meter.read(), time.perf_counter() - started
        peer.start_worker(PEER_TRIVIAL_HASH="1")
        trivial_started = time.perf_counter()
        peer.send(trivial, connections=CONNECTIONS)
        trivial_seconds = time.perf_counter() - trivial_started
        peer.kill_worker()
        accepts_per_second = peer.accept(accepts, connections=CONNECTIONS)
    each = consumed.milliseconds_each(requests)
    return {
        "per_second": requests / seconds,
        "trivial_hash_per_second": trivial / trivial_seconds,
        "accepts_alone_per_second": accepts_per_second,
        "cpu_ms_each": each,
        "cpu_ms_hash": limit.cpu_milliseconds,
        "cpu_ms_beside_hash": sum(each.values()) - limit.cpu_milliseconds,
        "share_of_hash_limit": requests / seconds / limit.per_second,
        "hash_limit_per_second": limit.per_second,
        "share_of_cores": consumed.shares(limit.cpu_milliseconds * requests / 1000),
    }
