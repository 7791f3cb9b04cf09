"""Runs a real Redis, configured as the service requires it."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_stack import binaries
from local_stack.ports import LOOPBACK
from local_stack.process import ManagedProcess
from local_stack.readiness import Busy, wait_until_ready

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable
    from pathlib import Path

READY_SECONDS: Final = 20.0
"""How long it may say nothing while it starts."""

STOP_SECONDS: Final = 15.0
"""How long it may take to stop before it is killed."""

_CONFIGURATION: Final = "redis.conf"
"""The name of its configuration, in its directory."""

DURABLE: Final = (
    # A 202 is a promise, so Redis acknowledges only what is on disk.
    "appendonly yes",
    "appendfsync always",
    # The append-only file holds everything. Snapshots beside it would only cost memory for a fork.
    'save ""',
    # With its memory full, Redis must refuse a new task and never forget an accepted one.
    "maxmemory-policy noeviction",
    # Keeps a task record with its sealed request in one compact allocation.
    "hash-max-listpack-value 2048",
)
"""Lines of the configuration."""


class RedisServer:
    """A `redis-server` on the loopback interface with a password.

    Data and configuration are in `directory`. A `password` of "" means a random one, None means no password. The
    password is in the configuration (mode 0600) and in `url`, and nowhere else.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        extra_config_lines: Iterable[str] = (),
        *,
        password: str | None = "",
        stopping: threading.Event | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.port = port
        self._directory = directory
        self._extra = tuple(extra_config_lines)
        self._password = secrets.token_urlsafe(24) if password == "" else password
        self._stopping = stopping
        self._tell = tell
        self._configuration = directory / _CONFIGURATION
        self._process: ManagedProcess | None = None

    def __repr__(self) -> str:
        return f"RedisServer(port={self.port})"

    @property
    def url(self) -> str:
        """Its URL with the password in it. Put it in the environment of a child, never in its arguments or a log."""
        return self.url_with()

    def url_with(self, *, port: int | None = None, database: int = 0) -> str:
        """`url` with the number of another database, or with the port of a proxy in front of this server."""
        return _url(self.port if port is None else port, self._password, database)

    @property
    def process(self) -> ManagedProcess:
        """The server's process. Looks for the executable at the first call."""
        if self._process is None:
            self._process = ManagedProcess(
                "redis",
                [str(binaries.redis_server(self._tell)), str(self._configuration)],
                log_path=self._directory / "redis.log",
                directory=self._directory,
            )
        return self._process

    def start(self, timeout: float = READY_SECONDS) -> None:
        """Write the configuration, start the server and wait until it answers. See `wait_ready` for `timeout`."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write_configuration()
        self.process.start()
        self.wait_ready(timeout)

    def wait_ready(self, timeout: float = READY_SECONDS) -> None:
        """Wait until the server answers. After a restart that is when it has read back all its data.

        Raises:
            NotReadyError: the server ended, or neither answered nor said that it loads, for `timeout` seconds.
        """
        with redis.Redis.from_url(
            self.url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
        ) as client:

            def answers() -> bool | Busy:
                try:
                    return bool(client.ping())
                except redis.BusyLoadingError:
                    return Busy(_progress(client))
                except redis.ConnectionError as error:
                    if isinstance(error, redis.AuthenticationError):
                        raise  # another Redis has taken this port
                    return False
                except (redis.TimeoutError, redis.ResponseError):
                    return False

            wait_until_ready(self.process, answers, timeout=timeout, stopping=self._stopping, tell=self._tell)

    def stop(self) -> None:
        """Ask the server to stop. It first writes to disk whatever is not there yet."""
        if self._process is not None:
            self._process.terminate(STOP_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL, as a crash would end the server."""
        self.process.kill()

    def _write_configuration(self) -> None:
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f'dir "{self._directory}"',
            "daemonize no",
            *([f"requirepass {self._password}"] if self._password else []),
            *DURABLE,
            *self._extra,
        ]
        self._configuration.unlink(missing_ok=True)
        descriptor = os.open(self._configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


def _progress(client: redis.Redis) -> str:
    """How much of its data a starting Redis has read back. It answers INFO meanwhile."""
    try:
        told = client.info("persistence")
        percent, seconds = told["loading_loaded_perc"], told["loading_eta_seconds"]
    except (redis.RedisError, KeyError):
        return "reads its data back"
    return f"reads its data back: {float(percent):.0f} %, about {int(seconds)} s to go"


def url_of_directory(directory: Path) -> str:
    """The URL, with the password, of the server whose configuration is in this directory.

    Raises:
        OSError: there is no configuration, or another user owns it.
    """
    lines = (directory / _CONFIGURATION).read_text(encoding="utf-8").splitlines()
    settings = dict(line.split(" ", 1) for line in lines if " " in line)
    return _url(int(settings["port"]), settings.get("requirepass"))


def _url(port: int, password: str | None, database: int = 0) -> str:
    credentials = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{credentials}{LOOPBACK}:{port}/{database}"
