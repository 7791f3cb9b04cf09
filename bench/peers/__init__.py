"""Peers that do the same work (validate, hash, insert, result), written the way their documentation says."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from pymongo import MongoClient

from bench.cpu import cpu_seconds
from bench.driver import Target, saturate, signups
from bench.hash_limit import measure_hash_limit
from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from local_stack.redis_server import RedisServer

if TYPE_CHECKING:
    from pathlib import Path

_CONNECTIONS = 32
_WARM_UP = 20
_PAUSE = threading.Event()

_WORKERS = {
    "fastapi_celery": "celery -A bench.peers.fastapi_celery:celery_app worker -c 2 -l WARNING",
    "taskiq_streams": "taskiq worker bench.peers.taskiq_streams:broker --workers 2 --log-level WARNING",
}


def measure_peer(name: str, folder: Path, *, requests: int) -> dict[str, Any]:
    """Signups from the first POST to the last stored customer."""
    folder.mkdir(parents=True, exist_ok=True)
    limit = measure_hash_limit(2)
    redis_server, mongo = RedisServer(folder / "redis", free_port()), MongoReplicaSet(folder / "mongo", [free_port()])
    port = free_port()
    environment = {**os.environ, "PEER_REDIS_URL": redis_server.url, "PEER_MONGODB_URI": mongo.uri}
    front = _process(folder, "front", f"uvicorn bench.peers.{name}:app --port {port} --no-access-log", environment)
    worker = _process(folder, "worker", _WORKERS[name], environment)
    redis_server.start()
    mongo.start()
    try:
        front.start()
        worker.start()
        client: MongoClient[dict[str, Any]] = MongoClient(mongo.uri)
        customers = client["peer"]["customers"]
        _wait(lambda: b"running" in front.log_path.read_bytes())
        target = Target(port, "/customers")
        asyncio.run(saturate(target, signups("warm"), requests=_WARM_UP, connections=2))
        _wait(lambda: customers.count_documents({}) == _WARM_UP)
        pids = {
            "front": front.pid,
            "worker": worker.pid,
            "redis": redis_server.process.pid,
            "mongod": mongo.members[0].process.pid,
        }
        before = {each: cpu_seconds(pid or 0) for each, pid in pids.items()}
        started = time.perf_counter()
        load = asyncio.run(saturate(target, signups("load"), requests=requests, connections=_CONNECTIONS))
        _wait(lambda: customers.count_documents({}) == requests + _WARM_UP, seconds=300)
        seconds = time.perf_counter() - started
        cpu = {each: 1000 * (cpu_seconds(pid or 0) - before[each]) / requests for each, pid in pids.items()}
        client.close()
    finally:
        front.kill()
        worker.kill()
        mongo.kill()
        redis_server.kill()
    return {
        "per_second": requests / seconds,
        "accepts_per_second": load.per_second,
        "statuses": load.statuses,
        "cpu_ms_per_signup": cpu,
        "cpu_ms_beside_hash": sum(cpu.values()) - limit.cpu_milliseconds,
        "share_of_hash_limit": requests / seconds / limit.per_second,
        "hash_limit_per_second": limit.per_second,
    }


def _process(folder: Path, name: str, command: str, environment: dict[str, str]) -> ManagedProcess:
    return ManagedProcess(
        name, [sys.executable, "-m", *command.split()], log_path=folder / f"{name}.log", environment=environment
    )


def _wait(condition: Any, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        _PAUSE.wait(0.02)
