"""A real Redis that speaks TLS. The Redis of the wheel is built without it, Debian's is built with it."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest
import redis

from local_stack.ports import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.certificates import Authority, Issued

_NAMES: Final = ("redis-server", "redis-check-rdb")
"""The second is the same program: it serves if it is called by the first name. Debian has it in redis-tools.

That package starts no server on the machine, as redis-server's does.
"""

_WANTED: Final = "a redis-server that is built with TLS (Debian: apt-get install redis-tools)"
"""What is missing where there is none."""


@dataclass(frozen=True)
class TlsRedis:
    """A running server. It speaks TLS on one port, and plainly on another."""

    port: int
    plain_port: int
    authority: Authority
    process: subprocess.Popen[bytes]

    def url(self, *, user: str = "", own: Issued | None = None, authority: Authority | None = None) -> str:
        """A URL with this user and password, this client certificate, and trust in this authority or the right one."""
        files = f"ssl_ca_certs={(authority or self.authority).certificate}"
        if own is not None:
            files += f"&ssl_certfile={own.certificate}&ssl_keyfile={own.key}"
        return f"rediss://{user}{'@' if user else ''}127.0.0.1:{self.port}/0?{files}"


@contextmanager
def tls_redis(
    folder: Path, authority: Authority, certificate: Issued, *lines: str, clients: str = "no"
) -> Iterator[TlsRedis]:
    """A server with this certificate; `clients` is its tls-auth-clients, `lines` more of its configuration."""
    durable = ("appendonly yes", "maxmemory-policy noeviction")
    with _running(folder, authority, certificate, f"tls-auth-clients {clients}", *durable, *lines) as running:
        yield running


@contextmanager
def tls_sentinel(folder: Path, authority: Authority, certificate: Issued, *lines: str) -> Iterator[TlsRedis]:
    """A Sentinel with this certificate. It asks clients for theirs, and speaks TLS itself."""
    mutual = ("tls-auth-clients yes", "tls-replication yes")
    with _running(folder, authority, certificate, *mutual, *lines, options=("--sentinel",)) as running:
        yield running


@contextmanager
def _running(
    folder: Path, authority: Authority, certificate: Issued, *lines: str, options: tuple[str, ...] = ()
) -> Iterator[TlsRedis]:
    folder.mkdir(parents=True)
    port, plain_port = free_port(), free_port()
    configuration = folder / "redis.conf"
    told = (
        "bind 127.0.0.1",
        f"port {plain_port}",
        f"tls-port {port}",
        f"tls-cert-file {certificate.certificate}",
        f"tls-key-file {certificate.key}",
        f"tls-ca-cert-file {authority.certificate}",
        f"dir {folder}",
        *lines,
    )
    configuration.write_text("\n".join(told) + "\n")
    with (folder / "redis.log").open("wb") as log:
        arguments = ["redis-server", str(configuration), *options]
        process = subprocess.Popen(arguments, executable=tls_server(), stdout=log, stderr=log)
    try:
        with redis.Redis(port=plain_port) as client:
            wait_until(lambda: _answers(client), what="Redis answers")
        yield TlsRedis(port, plain_port, authority, process)
    finally:
        process.kill()
        process.wait()


@cache
def tls_server() -> str:
    """The path of the server. Without one the test is skipped, but in CI it fails."""
    for path in filter(None, map(shutil.which, _NAMES)):
        # With TLS it ends for want of a certificate. Without, it ends since it does not know this option.
        arguments = ["redis-server", "--port", "0", "--tls-port", "1"]
        done = subprocess.run(arguments, executable=path, capture_output=True, text=True, timeout=20, check=False)
        said = done.stdout + done.stderr
        if "directive" not in said and "TLS support" not in said:
            return path
    if os.environ.get("CI"):
        pytest.fail(f"CI has to have {_WANTED}: see .ci/run")
    pytest.skip(f"needs {_WANTED}")


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except (redis.AuthenticationError, redis.ResponseError):
        return True  # it asks for a password
    except redis.ConnectionError:
        return False
