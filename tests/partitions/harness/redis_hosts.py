"""Three machines with a Redis and a Sentinel each. One Redis is the primary, and the Sentinels decide which."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_stack import binaries
from local_stack.redis_server import DURABLE
from tests.partitions.harness.host import Host
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.partitions.harness.network import Network

_NAME: Final = "main"
"""What the Sentinels call the primary."""
_REDIS_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_QUORUM: Final = 2
"""So many Sentinels must miss the primary."""
_LAG_SECONDS: Final = 2
"""A replica that has said nothing for longer does not count. It speaks once a second. A primary must notice that it is
alone before another one is promoted."""
_SENTINEL_LINES: Final = (
    # Short times, so that a test can watch them.
    f"sentinel down-after-milliseconds {_NAME} 3000",
    f"sentinel failover-timeout {_NAME} 4000",
    f"sentinel parallel-syncs {_NAME} 2",
)
_REPLICATION_LINES: Final = ("repl-diskless-sync-delay 0", "repl-ping-replica-period 1", "repl-timeout 10")
_INFO_MILLISECONDS: Final = 1000
"""How often a Sentinel asks each server for its role. It would be once in ten seconds."""
_ANSWER_SECONDS: Final = 2


class RedisHosts:
    """The machines."""

    def __init__(self, network: Network, folder: Path, *, careful: bool) -> None:
        """`careful`: a primary that no replica follows refuses writes."""
        self._password = secrets.token_urlsafe(24)
        self.hosts = tuple(Host(f"redis-{number}", network, folder) for number in (1, 2, 3))
        first = self.hosts[0]
        for host in self.hosts:
            lines = [
                "bind 0.0.0.0",
                f"port {_REDIS_PORT}",
                f'dir "{host.folder}"',
                f"requirepass {self._password}",
                f"masterauth {self._password}",
                *DURABLE,
                *_REPLICATION_LINES,
                *(["min-replicas-to-write 1", f"min-replicas-max-lag {_LAG_SECONDS}"] if careful else []),
                *([f"replicaof {first.address} {_REDIS_PORT}"] if host is not first else []),
            ]
            self._add(host, "redis", lines)
            lines = [
                "bind 0.0.0.0",
                f"port {_SENTINEL_PORT}",
                f'dir "{host.folder}"',
                "protected-mode no",
                f"sentinel monitor {_NAME} {first.address} {_REDIS_PORT} {_QUORUM}",
                f"sentinel auth-pass {_NAME} {self._password}",
                # A Sentinel asks the primary for its replicas only once in ten seconds.
                *(f"sentinel known-replica {_NAME} {each.address} {_REDIS_PORT}" for each in self.others(first)),
                *_SENTINEL_LINES,
            ]
            self._add(host, "sentinel", lines, "--sentinel")

    @property
    def url(self) -> str:
        """The URL that leads to whoever is the primary."""
        sentinels = ",".join(f"{host.address}:{_SENTINEL_PORT}" for host in self.hosts)
        return f"redis+sentinel://:{self._password}@{sentinels}/{_NAME}/0"

    def url_by_name(self, name: str) -> str:
        """The URL that leads to the machine of this name, without Sentinels."""
        return f"redis://:{self._password}@{name}:{_REDIS_PORT}/0"

    def start(self) -> None:
        """Start all of them."""
        for host in self.hosts:
            host.start()

    def client(self, host: Host | None = None) -> redis.Redis:
        """A client of this machine's Redis, or of the primary's."""
        host = host or self.primary()
        return _client(host.address, _REDIS_PORT, self._password)

    def primary(self) -> Host:
        """The machine that most Sentinels call the primary's."""
        (address, votes), *_ = self._named().most_common(1) or [("", 0)]
        assert votes >= _QUORUM, f"too few Sentinels agree: {self._named()}"
        return next(host for host in self.hosts if host.address == address)

    def others(self, host: Host) -> tuple[Host, ...]:
        """The machines but this one."""
        return tuple(each for each in self.hosts if each is not host)

    def fail_over(self) -> None:
        """Tell a Sentinel to make another Redis the primary, though nothing is wrong with it."""
        with _client(self.hosts[0].address, _SENTINEL_PORT, None) as client:
            client.execute_command("SENTINEL", "FAILOVER", _NAME)

    def promoted(self, old: Host) -> Host | None:
        """The machine whose Redis became the primary in place of that of `old`. None while there is none."""
        for host in self.others(old):
            if self.is_primary(host):
                return host
        return None

    def is_replaced(self, old: Host) -> bool:
        """Whether another Redis became the primary in place of that of `old`, and the third one follows it."""
        new, third = self.others(old)
        return self._follows(third, new) or self._follows(new, third)

    def is_replica(self, host: Host) -> bool:
        """Whether this machine's Redis is a replica by now."""
        role = self._role(host)
        return role is not None and role[0] == b"slave"

    def is_primary(self, host: Host) -> bool:
        """Whether this machine's Redis takes itself for the primary."""
        role = self._role(host)
        return role is not None and role[0] == b"master"

    def refuses(self, host: Host) -> bool:
        """Whether this machine's Redis answers, and refuses to write for want of replicas."""
        try:
            with self.client(host) as client:
                client.delete("nothing")
        except redis.ResponseError as error:
            return str(error).startswith("NOREPLICAS") or getattr(error, "status_code", "") == "NOREPLICAS"
        except redis.RedisError:
            pass
        return False

    def wait_whole(self, *, seconds: float = 60) -> None:
        """Wait until all Sentinels agree, and both other servers follow the primary."""
        wait_until(self._is_whole, timeout=seconds, what="Redis is whole")

    def _is_whole(self) -> bool:
        named = self._named()
        if len(named) != 1 or named.total() != len(self.hosts):
            return False
        primary = self.primary()
        role = self._role(primary)
        if role is None or role[0] != b"master" or len(role[2]) != len(self.hosts) - 1:
            return False
        if not all(_quiet(lambda host=host: self._sees_all_well(host)) for host in self.hosts):
            return False
        return all(self._follows(host, primary) for host in self.others(primary))

    def _follows(self, host: Host, primary: Host) -> bool:
        role = self._role(host)
        return role is not None and role[0] == b"slave" and role[1:4:2] == [primary.address.encode(), b"connected"]

    def _sees_all_well(self, host: Host) -> bool:
        """Whether this machine's Sentinel knows all others and their roles, and finds nothing wrong with the primary.

        It would make a server that it knows as a primary of yesterday a replica, even where that is promoted again.
        """
        with _client(host.address, _SENTINEL_PORT, None) as client:
            client.execute_command("SENTINEL", "DEBUG", "INFO-PERIOD", _INFO_MILLISECONDS)
            told = client.execute_command("SENTINEL", "MASTER", _NAME)
            replicas = client.execute_command("SENTINEL", "REPLICAS", _NAME)
        if any(_fields(each)[b"role-reported"] != b"slave" for each in replicas):
            return False
        fields = _fields(told)
        others = b"%d" % (len(self.hosts) - 1)
        return [fields[each] for each in (b"flags", b"num-slaves", b"num-other-sentinels")] == [
            b"master",
            others,
            others,
        ]

    def _role(self, host: Host) -> Any:
        def ask() -> Any:
            with self.client(host) as client:
                return client.execute_command("ROLE")

        return _quiet(ask)

    def _named(self) -> Counter[str]:
        named: Counter[str] = Counter()
        for host in self.hosts:
            told = _quiet(lambda host=host: self._named_by(host))
            if told is not None:
                named[told] += 1
        return named

    def _named_by(self, host: Host) -> str | None:
        with _client(host.address, _SENTINEL_PORT, None) as client:
            told = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", _NAME)
        return None if told is None else _text(told[0])

    def _add(self, host: Host, name: str, lines: list[str], *options: str) -> None:
        # Redis and Sentinel write their own changes into this file, so it is written once.
        path = host.folder / f"{name}.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        path.chmod(0o600)
        host.process(name, [str(binaries.redis_server()), str(path), *options])


def _client(address: str, port: int, password: str | None) -> redis.Redis:
    return redis.Redis(
        host=address,
        port=port,
        password=password,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def _fields(told: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(told[::2], told[1::2], strict=True))


def _quiet(ask: Any) -> Any:
    """What this returns. None where a server does not answer."""
    try:
        return ask()
    except redis.RedisError:
        return None


def _text(told: str | bytes) -> str:
    return told if isinstance(told, str) else told.decode()
