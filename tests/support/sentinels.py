"""A primary, its replicas and their Sentinels, as processes that a test may kill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_stack import binaries
from local_stack.ports import LOOPBACK, free_port
from local_stack.process import ManagedProcess
from local_stack.redis_server import RedisServer
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from startup.broker.sentinels import Address

NAME: Final = "intake-primary_1.a"
"""What the Sentinels call the primary. It has every kind of character that a name may have."""

DOWN_AFTER_MILLISECONDS: Final = 1000
"""How long a server says nothing before a Sentinel takes it for dead."""

_NEVER_MILLISECONDS: Final = 3_600_000
"""The same for a Sentinel that is to notice nothing."""

_SECONDS: Final = 30


class SentinelServer:
    """One `redis-server --sentinel` on the loopback interface."""

    def __init__(self, directory: Path, watched: int, *lines: str, quorum: int = 2, notices: bool = True) -> None:
        """Watch over the Redis at the port `watched`. `lines` are added to the configuration."""
        self.port = free_port()
        self._configuration = directory / "sentinel.conf"
        after = DOWN_AFTER_MILLISECONDS if notices else _NEVER_MILLISECONDS
        self._lines = (
            f"port {self.port}",
            f"bind {LOOPBACK}",
            f'dir "{directory}"',
            f"sentinel monitor {NAME} {LOOPBACK} {watched} {quorum}",
            f"sentinel down-after-milliseconds {NAME} {after}",
            f"sentinel failover-timeout {NAME} 5000",
            *lines,
        )
        command = [str(binaries.redis_server()), str(self._configuration), "--sentinel"]
        self.process = ManagedProcess("sentinel", command, log_path=directory / "sentinel.log", directory=directory)

    def start(self) -> None:
        """Start it, and wait until it answers. What it knew before is kept."""
        self._configuration.parent.mkdir(parents=True, exist_ok=True)
        if not self._configuration.exists():
            self._configuration.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
        self.process.start()
        wait_until(self._answers, timeout=_SECONDS, what="the Sentinel answers")

    def ask(self, *command: str) -> object:
        """Send it a command, without a password."""
        with redis.Redis(port=self.port, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client:
            return client.execute_command(*command)

    def _answers(self) -> bool:
        try:
            self.ask("PING")
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False
        return True


class Watched:
    """A primary with replicas, and Sentinels that promote one of these where the primary dies."""

    def __init__(self, folder: Path, *lines: str, replicas: int = 1, sentinels: int = 3, password: str = "") -> None:
        """`lines` are added to each Redis' configuration. `password` is that of the Sentinels; empty for none."""
        self._password = password
        self.primary = RedisServer(folder / "redis-0", free_port(), lines, password=None)
        copies = (*lines, f"replicaof {LOOPBACK} {self.primary.port}")
        self.replicas = [
            RedisServer(folder / f"redis-{number + 1}", free_port(), copies, password=None)
            for number in range(replicas)
        ]
        # The Sentinels ask each other with the same password.
        own = (f"requirepass {password}", f"sentinel sentinel-pass {password}") if password else ()
        self.sentinels = [
            SentinelServer(folder / f"sentinel-{number}", self.primary.port, *own) for number in range(sentinels)
        ]

    def __enter__(self) -> Self:
        for server in (self.primary, *self.replicas):
            server.start()
        for sentinel in self.sentinels:
            sentinel.start()
        wait_until(self._is_whole, timeout=_SECONDS, what="the Sentinels know replicas and each other")
        return self

    def __exit__(self, *_: object) -> None:
        for sentinel in self.sentinels:
            sentinel.process.kill()
        for server in (self.primary, *self.replicas):
            server.kill()

    @property
    def addresses(self) -> list[Address]:
        """Where the Sentinels are."""
        return [(LOOPBACK, sentinel.port) for sentinel in self.sentinels]

    @property
    def url(self) -> str:
        """What is in `INTAKE_REDIS_URL`."""
        return url_of(*self.sentinels)

    def in_sync(self) -> bool:
        """Whether the replicas have all that the primary has."""
        with redis.Redis(port=self.primary.port) as client:
            return bool(client.wait(len(self.replicas), 1000) == len(self.replicas))

    def wait_until_promoted(self) -> RedisServer:
        """Wait until a replica is the primary, in its own eyes and in those of every Sentinel that runs."""
        wait_until(self._promoted_port, timeout=_SECONDS, what="the Sentinels have promoted a replica")
        port = self._promoted_port()
        return next(each for each in self.replicas if each.port == port)

    def _promoted_port(self) -> int:
        named = {self._named(sentinel) for sentinel in self.sentinels if sentinel.process.alive}
        port = named.pop()
        if named or port == self.primary.port:
            return 0
        with redis.Redis(port=port) as client:
            return port if client.info("replication")["role"] == "master" else 0

    def _named(self, sentinel: SentinelServer) -> int:
        with self._client(sentinel) as client:
            return int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1])

    def _is_whole(self) -> bool:
        for sentinel in self.sentinels:
            with self._client(sentinel) as client:
                told = client.execute_command("INFO", "sentinel")
            fields = str(told.get("master0", ""))
            parts = f"'slaves': {len(self.replicas)}", f"'sentinels': {len(self.sentinels)}"
            if not all(part in fields for part in parts):
                return False
        return self.in_sync()

    def _client(self, sentinel: SentinelServer) -> redis.Redis:
        return redis.Redis(port=sentinel.port, password=self._password or None, socket_timeout=2)


def url_of(*sentinels: SentinelServer) -> str:
    """A URL that names these Sentinels."""
    hosts = ",".join(f"{LOOPBACK}:{sentinel.port}" for sentinel in sentinels)
    return f"redis+sentinel://{hosts}/{NAME}/0"
