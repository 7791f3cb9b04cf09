"""Real servers for the tests: a Redis and a MongoDB for each process of a run, databases of their own for each test."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import redis

from local_stack.environments import Environments, environment_without_settings
from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import free_port
from local_stack.readiness import NotReadyError
from local_stack.redis_server import RedisServer
from local_stack.secret_files import SecretFiles, ensure_secret_files
from local_stack.service_process import CONSOLE, NOTIFIER, SHIM, WORKER, service_process, start_service_process
from tests.support.port_holders import holders_of
from tests.support.temporary_files import root_in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_stack.process import ManagedProcess

_REDIS_DATABASES = 4096
"""More than there are tests: none must get, and flush, the database that a module's tests share."""

_databases = itertools.count()

_LONGEST_FIRST = ("tests/bench", "tests/faults", "tests/local_stack", "tests/contract", "tests/cli", "tests/worker")
"""Folders whose files take longest. Side by side a long file that comes last is waited for by all others."""

_FEWEST_PROCESSES, _MOST_PROCESSES = 5, 8
"""Of a run side by side. Tests mostly wait for a server or a process, so two cores serve five of them."""

_TEMPORARY_ROOT = "PYTEST_DEBUG_TEMPROOT"
"""The variable by which pytest is told where it makes its directories."""

_DEPLOYED = Path(__file__).parent / "support" / "deployed"
"""On the path of each process that a test starts."""

Environment = dict[str, str]


def pytest_configure() -> None:
    """Let processes under test begin with the signals of a terminal, and keep their files in memory if there is room.

    Whoever runs the tests may have some signals ignored (nohup, a shell's background), and processes inherit that.
    """
    if _TEMPORARY_ROOT not in os.environ and (root := root_in_memory()) is not None:
        os.environ[_TEMPORARY_ROOT] = str(root)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` makes; each has servers of its own."""
    return min(_MOST_PROCESSES, max(_FEWEST_PROCESSES, os.cpu_count() or 1))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files first that take longest; the order within a file stays."""

    def place(item: pytest.Item) -> int:
        matches = (number for number, folder in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(folder))
        return next(matches, len(_LONGEST_FIRST))

    items.sort(key=place)


@dataclass(frozen=True)
class Servers:
    """The session's servers and secrets."""

    redis: RedisServer
    mongo: MongoReplicaSet
    secrets: SecretFiles
    folder: Path


@dataclass(frozen=True)
class Running:
    """A shim or a worker that a test started."""

    process: ManagedProcess
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """Of a shim: its root."""
        return f"http://127.0.0.1:{self.environment['INTAKE_PORT']}"

    def log(self) -> str:
        """All that it wrote."""
        return self.process.log_path.read_text(errors="replace")


class Starter(Protocol):
    """Starts a process of the service in this environment and waits until it is ready; stopped with the fixture."""

    def __call__(self, environment: Mapping[str, str], **overrides: str) -> Running: ...


@pytest.fixture(scope="session", autouse=True)
def _processes_as_deployed() -> Iterator[None]:
    """Hide developers' packages from each process that a test starts; see `sitecustomize.py` in that folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(_DEPLOYED), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Redis and a MongoDB replica set of one member, without shim or worker."""
    folder = tmp_path_factory.mktemp("stack")
    servers = Servers(
        RedisServer(folder / "redis", free_port(), [f"databases {_REDIS_DATABASES}"]),
        MongoReplicaSet(folder / "mongo", [free_port()]),
        ensure_secret_files(folder / "secrets"),
        folder,
    )
    servers.redis.start()
    servers.mongo.start()
    yield servers
    servers.mongo.kill()
    servers.redis.kill()
    for data in ("mongo", "redis"):
        shutil.rmtree(folder / data, ignore_errors=True)


def fresh_environment(servers: Servers) -> Environment:
    """Settings of a shim and a worker with an empty Redis database and an unused MongoDB database."""
    number = next(_databases)
    url = servers.redis.url_with(database=number % _REDIS_DATABASES)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    environments = Environments(
        redis_url=url,
        mongodb_uri=servers.mongo.uri,
        secrets=servers.secrets,
        base=environment_without_settings(),
        database=f"test_{number}",
    )
    return environments.both(
        port=free_port(),
        INTAKE_LOG_FORMAT="json",
        # One test asks for it; the others need not wait.
        INTAKE_DRAIN_SECONDS="0",
        # One hash costs 21 ms of CPU; one test proves the default's parameters (tests/worker).
        INTAKE_ARGON2_TEST_PROFILE="1",
    )


@pytest.fixture
def isolated_env(stack: Servers) -> Environment:
    """See `fresh_environment`."""
    return fresh_environment(stack)


@pytest.fixture(scope="module")
def module_env(stack: Servers) -> Environment:
    """The same, shared by a module's tests."""
    return fresh_environment(stack)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that a test may kill."""
    server = RedisServer(tmp_path / "redis", free_port())
    server.start()
    yield server
    server.kill()


class _Starters:
    """Starts processes and stops what it started."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._started: list[ManagedProcess] = []

    def shim(self, environment: Mapping[str, str], **overrides: str) -> Running:
        return self._start("shim", SHIM, {**environment, **overrides})

    def worker(self, environment: Mapping[str, str], **overrides: str) -> Running:
        health = self._servers.folder / f"health-{next(_databases)}"
        settings = {**environment, "INTAKE_WORKER_HEALTH_FILE": str(health), **overrides}
        return self._start("worker", WORKER, settings)

    def notifier(self, environment: Mapping[str, str], **overrides: str) -> Running:
        return self._start("notifier", NOTIFIER, {**environment, **overrides})

    def console(self, environment: Mapping[str, str], **overrides: str) -> Running:
        of_console = {
            "INTAKE_CONSOLE_PORT": str(free_port()),
            "INTAKE_CONSOLE_SESSION_KEY_FILE": str(self._servers.secrets.console_session_key),
        }
        return self._start("console", CONSOLE, {**environment, **of_console, **overrides})

    def stop_all(self) -> None:
        for process in self._started:
            process.kill()

    def _start(self, name: str, module: str, settings: dict[str, str]) -> Running:
        log_path = self._servers.folder / f"{name}-{next(_databases)}.log"
        process = service_process(name, module, settings, log_path=log_path)
        self._started.append(process)
        try:
            start_service_process(process)
        except NotReadyError as error:
            ports = {int(value) for name, value in settings.items() if name.endswith("_PORT") and value.isdecimal()}
            error.add_note("\n".join(map(holders_of, sorted(ports))))
            raise
        return Running(process, settings)


@contextmanager
def starters_of(servers: Servers) -> Iterator[_Starters]:
    """Start processes against these servers. They are stopped at the end."""
    starters = _Starters(servers)
    try:
        yield starters
    finally:
        starters.stop_all()


@pytest.fixture
def starters(stack: Servers) -> Iterator[_Starters]:
    """For one test."""
    with starters_of(stack) as starters:
        yield starters


@pytest.fixture(scope="module")
def module_starters(stack: Servers) -> Iterator[_Starters]:
    """For a module."""
    with starters_of(stack) as starters:
        yield starters


@pytest.fixture
def start_shim(starters: _Starters) -> Starter:
    """Starts a shim for one test."""
    return starters.shim


@pytest.fixture
def start_worker(starters: _Starters) -> Starter:
    """Starts a worker for one test."""
    return starters.worker


@pytest.fixture
def start_notifier(starters: _Starters) -> Starter:
    """Starts a notifier for one test."""
    return starters.notifier


@pytest.fixture(scope="module")
def start_module_shim(module_starters: _Starters) -> Starter:
    """Starts a shim for a module."""
    return module_starters.shim


@pytest.fixture(scope="module")
def start_module_worker(module_starters: _Starters) -> Starter:
    """Starts a worker for a module."""
    return module_starters.worker


@pytest.fixture(scope="module")
def start_module_notifier(module_starters: _Starters) -> Starter:
    """Starts a notifier for a module."""
    return module_starters.notifier


@pytest.fixture
def start_console(starters: _Starters) -> Starter:
    """Starts a console for one test."""
    return starters.console


@pytest.fixture(scope="module")
def start_module_console(module_starters: _Starters) -> Starter:
    """Starts a console for a module."""
    return module_starters.console
