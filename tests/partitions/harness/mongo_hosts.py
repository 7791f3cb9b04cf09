"""Three machines with a member of MongoDB's replica set each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local_stack import binaries
from local_stack.mongo_server import REPLICA_SET
from tests.partitions.harness.host import Host
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.partitions.harness.network import Network

_PORT: Final = 27017
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - nobody else is on this network
_ELECTION_MILLISECONDS: Final = 2000
_WELL: Final = {1, 2}
"""The states PRIMARY and SECONDARY."""


class MongoHosts:
    """The machines."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.hosts = tuple(Host(f"mongo-{number}", network, folder) for number in (1, 2, 3))
        for host in self.hosts:
            data = host.folder / "data"
            data.mkdir(mode=0o700)
            host.process(
                "mongod",
                [
                    *(str(binaries.mongod()), "--replSet", REPLICA_SET, "--bind_ip", _EVERYWHERE, "--port", str(_PORT)),
                    *("--dbpath", str(data), "--wiredTigerCacheSizeGB", "0.25", "--nounixsocket"),
                    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                ],
            )

    @property
    def uri(self) -> str:
        """The URI that names all members."""
        members = ",".join(f"{host.address}:{_PORT}" for host in self.hosts)
        return f"mongodb://{members}/?replicaSet={REPLICA_SET}"

    def start(self) -> None:
        """Start all of them, and make them one set."""
        for host in self.hosts:
            host.start()
        for host in self.hosts:
            wait_until(partial(self._asked, host, "ping"), timeout=60, what=f"{host.name} answers")
        members = [{"_id": number, "host": f"{host.address}:{_PORT}"} for number, host in enumerate(self.hosts)]
        settings = {
            "electionTimeoutMillis": _ELECTION_MILLISECONDS,
            "heartbeatIntervalMillis": 500,
            "heartbeatTimeoutSecs": 2,
        }
        with _direct(self.hosts[0], seconds=60) as client:
            client.admin.command(
                "replSetInitiate", {"_id": REPLICA_SET, "version": 1, "members": members, "settings": settings}
            )
        self.wait_whole()

    def primary(self, *, but: Host | None = None) -> Host | None:
        """The machine whose member takes writes. None while there is none. `but` is not asked."""
        for host in self.hosts:
            if host is not but:
                told = self._asked(host, "hello")
                if told is not None and told.get("isWritablePrimary"):
                    return host
        return None

    def others(self, host: Host) -> tuple[Host, ...]:
        """The machines but this one."""
        return tuple(each for each in self.hosts if each is not host)

    def wait_whole(self, *, seconds: float = 60) -> None:
        """Wait until there is a primary, and both others follow it."""
        wait_until(self._is_whole, timeout=seconds, what="MongoDB is whole")

    def _is_whole(self) -> bool:
        told = [self._asked(host, "replSetGetStatus") for host in self.hosts]
        views = [{member["state"] for member in each["members"]} for each in told if each is not None]
        return len(views) == len(self.hosts) and all(view == _WELL for view in views)

    def _asked(self, host: Host, command: str) -> dict[str, Any] | None:
        try:
            with _direct(host, seconds=2) as client:
                return client.admin.command(command)
        except PyMongoError:
            return None


def _direct(host: Host, *, seconds: int) -> MongoClient[dict[str, Any]]:
    milliseconds = 1000 * seconds
    return MongoClient(
        host.address,
        _PORT,
        directConnection=True,
        timeoutMS=milliseconds,
        serverSelectionTimeoutMS=min(1000, milliseconds),
    )
