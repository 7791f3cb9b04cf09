"""A real MongoDB replica set of our own: one member for majority and journaled writes, three for failovers."""

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
READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0

_CACHE_GIGABYTES: Final = "0.25"
"""The least that is allowed; left alone, each member would take half of the machine's memory."""

_RECOVERS: Final = '"id":22302,'
"""The log message "Recovering data from the last clean checkpoint"; MongoDB's ids of messages are stable."""

_LOG_BYTES: Final = 256 * 1024
"""More than a start writes before it recovers."""

_NOT_YET_INITIALIZED: Final = 94
_ELECTION_MILLISECONDS: Final = 2000


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
        """`options` are added to the command line."""
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
        """As the replica set's configuration names it."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def process(self) -> ManagedProcess:
        """The process; made by the first start."""
        if self._process is None:
            command = [
                str(binaries.mongod(self._tell)),
                *("--replSet", REPLICA_SET, "--bind_ip", LOOPBACK, "--port", str(self.port)),
                *("--dbpath", str(self._directory), "--wiredTigerCacheSizeGB", _CACHE_GIGABYTES),
                # Sockets in /tmp would collide with another stack's of the same port, and nobody uses them.
                "--nounixsocket",
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                # How long a stopping member waits for others to take over: they are stopped as well.
                *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
                *self._options,
            ]
            self._process = ManagedProcess(
                self.name, command, log_path=self._directory.with_name(f"{self._directory.name}.log")
            )
        return self._process

    def start(self) -> None:
        """Start it without waiting: members wait for each other."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.process.start()

    @property
    def recovers(self) -> bool:
        """Whether it has logged, since it was started, that it recovers its data. It does so before it listens."""
        return self.process.has_logged(_RECOVERS, within_bytes=_LOG_BYTES)

    def stop(self) -> None:
        """Ask it to stop; a primary steps down first."""
        if self._process is not None:
            self._process.terminate(STOP_SECONDS)

    def kill(self) -> None:
        """As a crash: SIGKILL."""
        self.process.kill()

    def client(self) -> MongoClient[dict[str, Any]]:
        """A client that speaks to this member alone, whatever its role."""
        return MongoClient(LOOPBACK, self.port, directConnection=True, timeoutMS=2000, serverSelectionTimeoutMS=1000)


class MongoReplicaSet:
    """One `mongod` for each port, as the replica set `rs0` on the loopback interface.

    The data may be of an earlier run with other ports: the configuration is brought up to date at the start.
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
        """All members, for a client that follows the primary."""
        return f"mongodb://{','.join(member.address for member in self.members)}/?replicaSet={REPLICA_SET}"

    def start(self) -> None:
        """Start every member, configure the set, wait for a writable primary."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for member in self.members:
            member.start()
        self.initiate()
        self.wait_ready()

    def initiate(self) -> None:
        """Make these members the replica set, if they are not yet.

        Raises:
            NotReadyError: a member ended, or does not answer.
        """
        for member in self.members:
            self._wait_until_answers(member)
        first = self.members[0]
        # On a busy machine a new member takes longer to initiate than a client otherwise waits for an answer.
        with first.client() as client, pymongo.timeout(READY_SECONDS):
            try:
                current = client.admin.command("replSetGetConfig")["config"]
            except OperationFailure as error:
                if error.code == _NOT_YET_INITIALIZED:
                    client.admin.command("replSetInitiate", self._configuration(version=1))
                    return
                # A member that does not find itself in its configuration (its port is new) still tells it below.
                current = client.local.system.replset.find_one() or {}
            if [each["host"] for each in current["members"]] != [each.address for each in self.members]:
                wanted = self._configuration(version=int(current["version"]) + 1)
                # What the set was given when it was made stays: its id, and the protocol's version.
                wanted = {**current, "version": wanted["version"], "members": wanted["members"]}
                wanted.pop("_id", None)
                wanted.pop("term", None)
                # By force: with the old ports gone there is no primary that could be asked.
                client.admin.command("replSetReconfig", {"_id": REPLICA_SET, **wanted}, force=True)

    def wait_ready(self, timeout: float = READY_SECONDS) -> None:
        """Wait for a primary that takes writes.

        Raises:
            NotReadyError: there is none in time.
        """
        wait_until_ready(
            self.members[0].process, lambda: self.primary() is not None, timeout=timeout, stopping=self._stopping
        )

    def primary(self) -> MongoMember | None:
        """The member that takes writes now; None between two elections."""
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
        """All members at once, as a crash."""
        for member in self.members:
            member.kill()

    def restart(self) -> None:
        """Stop all and start them again, with their data."""
        self.stop()
        self.start()

    def _configuration(self, *, version: int) -> dict[str, Any]:
        return {
            "_id": REPLICA_SET,
            "version": version,
            "members": [{"_id": number, "host": member.address} for number, member in enumerate(self.members)],
            # On one machine nobody needs ten seconds to notice that a primary is gone.
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
