"""A whole service for one fault test. The test may kill, pause and restart every process of it."""

from __future__ import annotations

import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.error import HTTPError
from urllib.request import urlopen

import redis
from pymongo import MongoClient

from local_stack.environments import Environments, environment_without_settings
from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from local_stack.secret_files import ensure_secret_files
from local_stack.service_process import SHIM, WORKER, service_process, start_service_process
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from local_stack.process import ManagedProcess

VISIBILITY_TIMEOUT_SECONDS: Final = 4
SWEEP_GRACE_SECONDS: Final = 2
SWEEP_INTERVAL_SECONDS: Final = 0.5

CANARY: Final = "canary-password-7f3a"
DATABASE: Final = "faults"


class Links:
    """A proxy between each part of the service and each server that it needs, so that each way can fail alone."""

    def __init__(self, redis_port: int, mongo_port: int) -> None:
        self.shim_redis = TcpProxy(redis_port)
        self.workers_redis = TcpProxy(redis_port)
        self.workers_mongo = TcpProxy(mongo_port)

    @property
    def all(self) -> tuple[TcpProxy, ...]:
        """Every proxy."""
        return self.shim_redis, self.workers_redis, self.workers_mongo


class Arena:
    """Redis, MongoDB, a shim and workers. Their timeouts are short, so that a test can watch them recover."""

    all_count = True

    def __init__(
        self,
        folder: Path,
        *,
        mongo_members: int = 1,
        redis_lines: Iterable[str] = (),
        shim_module: str = SHIM,
        settings: Mapping[str, str] | None = None,
        links: bool = False,
        standby: bool = False,
    ) -> None:
        """Make an arena. Nothing runs before it is entered.

        Args:
            folder: for all files.
            mongo_members: of MongoDB's replica set.
            redis_lines: further lines of Redis' configuration.
            shim_module: the module that is run as the shim.
            settings: further settings of shim and workers.
            links: whether the service reaches Redis and MongoDB by proxies of the arena, `self.links`.
            standby: whether Redis has a replica, `self.standby`.
        """
        self.folder = folder
        password = secrets.token_urlsafe(24)
        lines = [*redis_lines, f"masterauth {password}"]
        self.redis = RedisServer(folder / "redis", free_port(), lines, password=password)
        self.standby = RedisServer(folder / "redis-standby", free_port(), lines, password=password) if standby else None
        self.mongo = MongoReplicaSet(
            folder / "mongo",
            [free_port() for _ in range(mongo_members)],
            # This setting allows fail points: a real server then refuses a command for a reason that the test chooses.
            options=["--setParameter", "enableTestCommands=1"],
        )
        self._links = Links(self.redis.port, self.mongo.members[0].port) if links else None
        self.port = free_port()
        self.workers: list[ManagedProcess] = []
        self.kills = 0
        self.at_the_end = contextlib.ExitStack()
        """What is closed with the arena, also where a test fails. Otherwise another test would get a warning for it."""
        environments = Environments(
            redis_url=self.redis.url,
            mongodb_uri=self.mongo.uri,
            secrets=ensure_secret_files(folder / "secrets"),
            base=environment_without_settings(),
            database=DATABASE,
        )
        self.environment = {
            **environments.both(port=self.port),
            "INTAKE_MONGODB_TIMEOUT_SECONDS": "3",
            "INTAKE_ARGON2_TEST_PROFILE": "1",
            "INTAKE_VISIBILITY_TIMEOUT_SECONDS": str(VISIBILITY_TIMEOUT_SECONDS),
            "INTAKE_SWEEP_INTERVAL_SECONDS": str(SWEEP_INTERVAL_SECONDS),
            "INTAKE_SWEEP_GRACE_SECONDS": str(SWEEP_GRACE_SECONDS),
            "INTAKE_LOG_FORMAT": "json",
            **(settings or {}),
        }
        self._shim_module = shim_module
        self.shim = self._process("shim", shim_module, self._shim_links())
        self.token = token(self.environment, sub="fault-tests")

    def __enter__(self) -> Self:
        self.redis.start()
        if self.standby is not None:
            self.standby.start()
            # Not in its configuration: once it is the primary, it must still be one after a restart.
            with redis.Redis.from_url(self.standby.url, socket_timeout=5) as client:
                client.replicaof("127.0.0.1", self.redis.port)
        self.mongo.start()
        for proxy in self._links.all if self._links is not None else ():
            self.at_the_end.enter_context(proxy)
        self.start_shim()
        return self

    def __exit__(self, *_: object) -> None:
        self.at_the_end.close()
        for process in (self.shim, *self.workers):
            process.kill()
        for member in self.mongo.members:
            member.process.resume()
            member.kill()
        for server in filter(None, (self.redis, self.standby)):
            server.process.resume()
            server.kill()

    @property
    def links(self) -> Links:
        """The proxies of an arena that was made with them."""
        assert self._links is not None
        return self._links

    def fail_over(self) -> None:
        """Make the standby the primary and the primary its replica, with every connection left open.

        Nothing is lost by it: Redis holds writes back until both have the same. The names lead to the new primary.
        """
        assert self.standby is not None
        old, new = self.redis, self.standby
        with redis.Redis.from_url(old.url, socket_timeout=5) as client:
            # A replica that is connected may still be reading its first copy. Redis does not fail over to such a one.
            wait_until(lambda: _follows(client), timeout=30, what="the standby follows")
            client.execute_command("FAILOVER", "TO", "127.0.0.1", str(new.port))
        with redis.Redis.from_url(new.url, socket_timeout=5) as client:
            wait_until(lambda: client.info("replication")["role"] == "master", timeout=30, what="it is the primary")
        self.redis, self.standby = new, old
        if self._links is not None:
            self._links.shim_redis.retarget(new.port)
            self._links.workers_redis.retarget(new.port)

    def rebuild_shim(self) -> None:
        """Make the shim's process anew, with the environment as it is now."""
        self.shim = self._process("shim", self._shim_module, self._shim_links())

    @property
    def url(self) -> str:
        """The URL of the methods."""
        return f"http://127.0.0.1:{self.port}/services/customer/v1"

    def start_shim(self) -> None:
        """Start the shim and wait until it serves."""
        start_service_process(self.shim)

    def shim_serves(self) -> bool:
        """Whether the shim answers."""
        return self.probe("healthz") is not None

    def probe(self, name: str) -> dict[str, Any] | None:
        """The answer of a probe of the shim. None where no answer comes."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/{name}", timeout=3) as answer:
                return dict(json.load(answer))
        except OSError:
            return None

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """Status and answer of `/readyz`. The status is 0 where no answer comes."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=3) as answer:
                return answer.status, dict(json.load(answer))
        except HTTPError as error:
            with error:
                return error.code, dict(json.load(error))
        except OSError:
            return 0, {}

    def start_worker(self, *, module: str = WORKER, wait: bool = True, **settings: str) -> ManagedProcess:
        """Start one more worker and, unless told otherwise, wait until it consumes."""
        number = len(self.workers)
        health = self.folder / f"health-{number}.json"
        always = {"INTAKE_WORKER_HEALTH_FILE": str(health), **self._worker_links()}
        worker = self._process(f"worker-{number}", module, {**always, **settings})
        self.workers.append(worker)
        if wait:
            start_service_process(worker)
        else:
            worker.start()
        return worker

    def restart_worker(self, worker: ManagedProcess) -> None:
        """Start a worker again that has died. It consumes soon after that."""
        worker.start()

    def kill(self, process: ManagedProcess) -> None:
        """Send SIGKILL, and count it."""
        process.kill()
        self.kills += 1

    def redis_client(self) -> redis.Redis:
        """A client of the arena's Redis."""
        return redis.Redis.from_url(self.redis.url, socket_timeout=5)

    def customers(self) -> list[dict[str, Any]]:
        """All customers that a majority of MongoDB has stored."""
        client: MongoClient[dict[str, Any]] = MongoClient(self.mongo.uri, readConcernLevel="majority")
        with client:
            return list(client[DATABASE]["customers"].find())

    def logs(self) -> bytes:
        """The logs of the shim and of all workers."""
        return b"".join(process.log_path.read_bytes() for process in (self.shim, *self.workers))

    def _shim_links(self) -> dict[str, str]:
        return {} if self._links is None else {"INTAKE_REDIS_URL": self._redis_url(self._links.shim_redis)}

    def _worker_links(self) -> dict[str, str]:
        if self._links is None:
            return {}
        return {
            "INTAKE_REDIS_URL": self._redis_url(self._links.workers_redis),
            # The driver connects directly. Otherwise the replica set would tell it a way around the proxy.
            "INTAKE_MONGODB_URI": f"mongodb://127.0.0.1:{self._links.workers_mongo.port}/?directConnection=true",
        }

    def _redis_url(self, proxy: TcpProxy) -> str:
        return self.redis.url_with(port=proxy.port)

    def _process(self, name: str, module: str, settings: dict[str, str]) -> ManagedProcess:
        return service_process(name, module, {**self.environment, **settings}, log_path=self.folder / f"{name}.log")


def _follows(client: redis.Redis) -> bool:
    info: dict[str, Any] = client.info("replication")
    return any(isinstance(each, dict) and each.get("state") == "online" for each in info.values())
