"""Runs a real MongoDB replica set. One member is enough for majority writes; three allow a failover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pymongo
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, ExecutionTimeout, OperationFailure, PyMongoError

from local_stack import binaries
from local_stack.ports import LOOPBACK
from local_stack.process import ManagedProcess
from local_stack.readiness import Busy, wait_until_ready

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from pathlib import Path

REPLICA_SET: Final = "rs0"
"""The set's name."""

READY_SECONDS: Final = 60.0
"""How long a member, or the set, may take to get ready."""

STOP_SECONDS: Final = 20.0
"""How long a member may take to stop before it is killed."""

_CACHE_GIGABYTES: Final = "0.25"
"""The least that MongoDB allows. By default each member would take half of the machine's memory."""

_RECOVERS: Final = '"id":22302,'
"""The log message "Recovering data from the last clean checkpoint"; MongoDB keeps the ids of its messages stable."""

_LOG_BYTES: Final = 256 * 1024
"""More than a member logs before it recovers."""

_NOT_YET_INITIALIZED: Final = 94
"""MongoDB's error code for a member that belongs to no set yet."""

_ELECTION_MILLISECONDS: Final = 2000
"""How long members miss a primary before they elect another."""


class MongoMember:
    """One `mongod` of the replica set."""

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        name: str,
        options: Sequence[str] = (),
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """`options` are added to the command line of `mongod`."""
        self.port = port
        self.name = name
        self._directory = directory
        self._options = tuple(options)
        self._tell = tell
        self._process: ManagedProcess | None = None

    def __repr__(self) -> str:
        return f"MongoMember({self.name!r}, port={self.port})"

    @property
    def address(self) -> str:
        """Host and port, as in the replica set's configuration."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def process(self) -> ManagedProcess:
        """The member's process. Looks for the executable at the first call."""
        if self._process is None:
            command = [
                str(binaries.mongod(self._tell)),
                *("--replSet", REPLICA_SET, "--bind_ip", LOOPBACK, "--port", str(self.port)),
                *("--dbpath", str(self._directory), "--wiredTigerCacheSizeGB", _CACHE_GIGABYTES),
                # Nobody uses sockets in /tmp, and they would collide with those of another stack.
                "--nounixsocket",
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                # A member that stops need not wait for another to take over: all are stopped together.
                *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
                *self._options,
            ]
            self._process = ManagedProcess(
                self.name, command, log_path=self._directory.with_name(f"{self._directory.name}.log")
            )
        return self._process

    def start(self) -> None:
        """Start the member without waiting, since members wait for each other."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.process.start()

    @property
    def recovers(self) -> bool:
        """Whether it has logged, since it was started, that it recovers its data. It does so before it listens."""
        return self.process.has_logged(_RECOVERS, within_bytes=_LOG_BYTES)

    def stop(self) -> None:
        """Ask the member to stop. A primary steps down first."""
        if self._process is not None:
            self._process.terminate(STOP_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL, as a crash would end the member."""
        self.process.kill()

    def client(self) -> MongoClient[dict[str, Any]]:
        """A client that speaks to this member alone, whatever its role."""
        return MongoClient(LOOPBACK, self.port, directConnection=True, timeoutMS=2000, serverSelectionTimeoutMS=1000)


class MongoReplicaSet:
    """One `mongod` for each port, as the replica set `rs0` on the loopback interface.

    The data may come from an earlier run with other ports. `start` brings the set's configuration up to date.
    """

    def __init__(
        self,
        directory: Path,
        ports: Sequence[int],
        *,
        options: Sequence[str] = (),
        stopping: threading.Event | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """`options` are added to each member's command line."""
        self._directory = directory
        self._stopping = stopping
        self._tell = tell
        self.members = tuple(
            MongoMember(
                directory / f"member-{number}",
                port,
                name="mongo" if len(ports) == 1 else f"mongo-{number}",
                options=options,
                tell=tell,
            )
            for number, port in enumerate(ports)
        )

    def __repr__(self) -> str:
        return f"MongoReplicaSet(ports={[member.port for member in self.members]})"

    @property
    def uri(self) -> str:
        """A URI that names all members, so that a client follows the primary."""
        return f"mongodb://{','.join(member.address for member in self.members)}/?replicaSet={REPLICA_SET}"

    def start(self) -> None:
        """Start every member, configure the set, wait for a writable primary."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for member in self.members:
            member.start()
        self.initiate()
        self.wait_ready()

    def initiate(self) -> None:
        """Configure these members as the replica set, unless they are that already.

        Raises:
            NotReadyError: a member ended, or did not answer in time.
        """
        for member in self.members:
            self._wait_until_answers(member)
        first = self.members[0]
        # On a busy machine initiating takes longer than this client waits for other answers.
        with first.client() as client, pymongo.timeout(READY_SECONDS):
            try:
                current = client.admin.command("replSetGetConfig")["config"]
            except OperationFailure as error:
                if error.code == _NOT_YET_INITIALIZED:
                    client.admin.command("replSetInitiate", self._configuration(version=1))
                    return
                # The port is new, so the member is not in its own configuration. It still stores it here.
                current = client.local.system.replset.find_one() or {}
            if [each["host"] for each in current["members"]] != [each.address for each in self.members]:
                wanted = self._configuration(version=int(current["version"]) + 1)
                # The other settings stay, such as the set's id and the version of its protocol.
                wanted = {**current, "version": wanted["version"], "members": wanted["members"]}
                wanted.pop("_id", None)
                wanted.pop("term", None)
                # By force, since without the old ports there is no primary that could do it.
                client.admin.command("replSetReconfig", {"_id": REPLICA_SET, **wanted}, force=True)

    def wait_ready(self, timeout: float = READY_SECONDS) -> None:
        """Wait for a primary that takes writes.

        Raises:
            NotReadyError: there was no primary in time.
        """
        wait_until_ready(
            self.members[0].process, lambda: self.primary() is not None, timeout=timeout, stopping=self._stopping
        )

    def primary(self) -> MongoMember | None:
        """The member that takes writes now; None while there is no primary."""
        for member in self.members:
            if not member.process.alive:
                continue
            with member.client() as client:
                try:
                    if client.admin.command("hello").get("isWritablePrimary"):
                        return member
                except PyMongoError:
                    continue
        return None

    def stop(self) -> None:
        """Stop every member, the primary last."""
        primary = self.primary() if len(self.members) > 1 else None
        for member in self.members:
            if member is not primary:
                member.stop()
        if primary is not None:
            primary.stop()

    def kill(self) -> None:
        """Send SIGKILL to all members, as a crash would end them."""
        for member in self.members:
            member.kill()

    def _configuration(self, *, version: int) -> dict[str, Any]:
        return {
            "_id": REPLICA_SET,
            "version": version,
            "members": [{"_id": number, "host": member.address} for number, member in enumerate(self.members)],
            # The default is ten seconds. On one machine a primary that is gone can be noticed sooner.
            "settings": {"electionTimeoutMillis": _ELECTION_MILLISECONDS},
        }

    def _wait_until_answers(self, member: MongoMember) -> None:
        with member.client() as client:

            def answers() -> bool | Busy:
                try:
                    client.admin.command("ping")
                except (ConnectionFailure, ExecutionTimeout):
                    return Busy("recovers its data, since it was not stopped in order") if member.recovers else False
                return True

            wait_until_ready(member.process, answers, timeout=READY_SECONDS, stopping=self._stopping, tell=self._tell)
