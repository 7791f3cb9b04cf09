"""A whole service whose parts are on machines of their own."""

from __future__ import annotations

import contextlib
import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.request import urlopen

from pymongo import MongoClient

from local_stack.environments import Environments, environment_without_settings
from local_stack.secret_files import ensure_secret_files
from local_stack.service_process import SHIM, WORKER, start_service_process
from tests.faults.harness.batch_rows import DOMAIN
from tests.partitions.harness.host import Host
from tests.partitions.harness.mongo_hosts import MongoHosts
from tests.partitions.harness.names import NAME, Names
from tests.partitions.harness.network import Network
from tests.partitions.harness.redis_hosts import RedisHosts
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import redis

_DATABASE: Final = "partitions"
_PORT: Final = 3005


class Site:
    """Three machines with Redis and a Sentinel, three with MongoDB, two with a shim and two with a worker."""

    def __init__(self, folder: Path, *, copies: int, by_name: bool = False) -> None:
        """Lay the cables. Nothing runs before it is entered.

        Args:
            folder: for the disks of all machines.
            copies: what `INTAKE_REDIS_COPIES` is. With 0, Redis takes writes without any replica too.
            by_name: shims and workers find Redis' primary by its name, and not by the Sentinels.
        """
        self.folder = folder
        self.at_the_end = contextlib.ExitStack()
        self.network = self.at_the_end.enter_context(Network())
        self.redis = RedisHosts(self.network, folder, careful=copies > 0)
        self.mongo = MongoHosts(self.network, folder)
        self._names = names = Names(folder / "hosts") if by_name else None
        self.shims = tuple(Host(f"shim-{number}", self.network, folder, names=names) for number in (1, 2))
        self.workers = tuple(Host(f"worker-{number}", self.network, folder, names=names) for number in (1, 2))
        environments = Environments(
            redis_url=self.redis.url_by_name(NAME) if by_name else self.redis.url,
            mongodb_uri=self.mongo.uri,
            secrets=ensure_secret_files(folder / "secrets"),
            base=environment_without_settings(),
            database=_DATABASE,
        )
        self.environment = environments.both(
            port=_PORT,
            INTAKE_HOST="0.0.0.0",  # noqa: S104 - nobody else is on this network
            INTAKE_REDIS_COPIES=str(copies),
            INTAKE_MONGODB_TIMEOUT_SECONDS="3",
            INTAKE_MONGODB_AWAY_SECONDS="2",
            INTAKE_ARGON2_TEST_PROFILE="1",
            INTAKE_VISIBILITY_TIMEOUT_SECONDS="4",
            INTAKE_SWEEP_INTERVAL_SECONDS="0.5",
            INTAKE_SWEEP_GRACE_SECONDS="2",
            INTAKE_DRAIN_SECONDS="0",
            INTAKE_LOG_FORMAT="json",
        )
        self.token = token(self.environment, sub="partition-tests")
        for host in self.shims:
            host.python_process("shim", SHIM, self.environment)
        for host in self.workers:
            health = {"INTAKE_WORKER_HEALTH_FILE": str(host.folder / "health")}
            host.python_process("worker", WORKER, {**self.environment, **health})

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All machines."""
        return (*self.redis.hosts, *self.mongo.hosts, *self.shims, *self.workers)

    def __enter__(self) -> Self:
        self.redis.start()
        self.mongo.start()
        self.redis.wait_whole()
        self.name_primary()
        for host in (*self.workers, *self.shims):
            for process in host.processes:
                start_service_process(process)
        self.wait_whole()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for host in self.hosts:
                host.kill()
        finally:
            self.at_the_end.close()

    def mend(self) -> None:
        """End every trouble: the network is as it should be, and every machine runs. Waits until all are well."""
        self.network.mend()
        for host in self.hosts:
            host.come_back()
            host.cable.plug()
        self.wait_whole()

    def mute(self, speakers: Iterable[Host], listeners: Iterable[Host]) -> None:
        """Lose whatever these machines say to those. The other way stays open."""
        self.network.cut([host.address for host in speakers], [host.address for host in listeners])

    def part(self, some: Iterable[Host], others: Iterable[Host]) -> None:
        """Let nothing pass between these machines and those."""
        some, others = tuple(some), tuple(others)
        self.mute(some, others)
        self.mute(others, some)

    def name_primary(self, host: Host | None = None) -> None:
        """Have the primary's name lead to this machine, or to the one that most Sentinels call the primary's."""
        if self._names is not None:
            self._names.lead_to((host or self.redis.primary()).address)

    def wait_whole(self) -> None:
        """Wait until every part is well and sees the others."""
        self.redis.wait_whole()
        self.name_primary()
        self.mongo.wait_whole()
        for host in self.shims:
            wait_until(partial(_is_ready, host), timeout=60, what=f"{host.name} is ready")

    def customers(self) -> list[dict[str, Any]]:
        """All customers that a majority of MongoDB has stored."""
        client: MongoClient[dict[str, Any]] = MongoClient(self.mongo.uri, readConcernLevel="majority")
        with client:
            return list(client[_DATABASE]["customers"].find())

    def forget_rows(self) -> None:
        """Delete the customers of batches, since each batch has the same."""
        client: MongoClient[dict[str, Any]] = MongoClient(self.mongo.uri, w="majority")
        with client:
            client[_DATABASE]["customers"].delete_many({"email": {"$regex": f"@{DOMAIN}$"}})


class Trial:
    """What one test does with a site that it shares. It sees only the customers that it could have made itself."""

    all_count = True

    def __init__(self, site: Site, name: str) -> None:
        """`name` begins the email of each of its signups, and no other test has it."""
        self.site = site
        self.name = name
        self.faults = 0
        """How many faults there were."""
        self.at_the_end = contextlib.ExitStack()
        self._shims = itertools.cycle(site.shims)

    @property
    def url(self) -> str:
        """The URL of the methods at one shim, and then at the other: a client goes on where one is gone."""
        return f"http://{next(self._shims).address}:{_PORT}/services/customer/v1"

    @property
    def token(self) -> str:
        """The token of a caller."""
        return self.site.token

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the shims."""
        return self.site.environment

    @property
    def folder(self) -> Path:
        """Where all files are."""
        return self.site.folder

    def redis_client(self) -> redis.Redis:
        """A client of the primary."""
        return self.site.redis.client()

    def customers(self) -> list[dict[str, Any]]:
        """The customers of this test, and those of rows."""
        ours = f"{self.name}-"
        return [
            each
            for each in self.site.customers()
            if each["email"].startswith(ours) or each["email"].endswith(f"@{DOMAIN}")
        ]

    def logs(self) -> bytes:
        """The logs of all shims and workers."""
        return b"".join(host.logs() for host in (*self.site.shims, *self.site.workers))


def _is_ready(host: Host) -> bool:
    try:
        with urlopen(f"http://{host.address}:{_PORT}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
