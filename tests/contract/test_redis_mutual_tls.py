"""The processes with a Redis that asks for TLS, a client certificate, and a user with the least rights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_stack.service_process import SHIM as SHIM_MODULE
from local_stack.service_process import WORKER as WORKER_MODULE
from local_stack.service_process import service_process
from startup.broker import tls_faults
from startup.broker.redis_rights import OPERATOR, SHIM, WORKER
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support.certificates import Authority, Issued
from tests.support.redis_users import password_of, user_lines
from tests.support.tls_redis import TlsRedis, tls_redis
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from startup.broker.redis_rights import Rights
    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Issued:
    """The certificate of the processes."""
    return authority.issue("client")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[TlsRedis]:
    folder = tmp_path_factory.mktemp("server")
    users = folder / "users.acl"
    # Redis before 7.2 does not know this command.
    users.write_text("\n".join(line.replace(" +client|setinfo", "") for line in user_lines()) + "\n")
    certificate = authority.issue("server")
    with tls_redis(folder / "redis", authority, certificate, f"aclfile {users}", clients="yes") as running:
        yield running


@pytest.fixture
def as_user(server: TlsRedis, own: Issued) -> Callable[[Rights], str]:
    """The URL with which a process signs in."""
    return lambda rights: server.url(user=f"{rights.user}:{password_of(rights.user)}", own=own)


def _dead_letters(environment: Environment, url: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "customer-intake"), "dead-letters", "list"]
    environment = {**environment, "INTAKE_REDIS_URL": url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_signups_batches_and_dead_letters_work(
    as_user: Callable[[Rights], str],
    isolated_env: Environment,
    start_shim: Starter,
    start_worker: Starter,
    serve: Serve,
) -> None:
    shim = start_shim({**isolated_env, "INTAKE_REDIS_URL": as_user(SHIM)})
    worker = start_worker({**isolated_env, "INTAKE_REDIS_URL": as_user(WORKER)})
    service = serve(shim, worker)

    assert service.create({"prefer": "wait=20"}).json()["ok"] is True
    batch = BatchClient(service, sub=an_email()).done(lines(a_row(), a_row()))
    done = _dead_letters(isolated_env, as_user(OPERATOR))

    assert batch["outcomes"] == {"created": 2}
    assert (done.returncode, done.stderr) == (0, "0 dead letters\n")
    assert "dependency_refuses" not in shim.log() + worker.log()


@pytest.mark.parametrize(
    "fault",
    [
        "no client certificate",
        pytest.param("a plain URL", marks=pytest.mark.slow),
        pytest.param("a wrong password", marks=pytest.mark.slow),
    ],
)
def test_each_process_tells_by_name_why_it_cannot_use_redis(
    server: TlsRedis, own: Issued, isolated_env: Environment, tmp_path: Path, fault: str
) -> None:
    url, told = {
        "no client certificate": (server.url(user=f"{SHIM.user}:canary"), tls_faults.CLIENT_MISSING),
        "a plain URL": (f"redis://{SHIM.user}:canary@127.0.0.1:{server.port}/0", tls_faults.TLS_NEEDED),
        "a wrong password": (server.url(user=f"{SHIM.user}:canary", own=own), "WRONGPASS"),
    }[fault]
    environment = {**isolated_env, "INTAKE_REDIS_URL": url, "INTAKE_WORKER_HEALTH_FILE": str(tmp_path / "health")}
    shim = service_process("shim", SHIM_MODULE, environment, log_path=tmp_path / "shim.log")
    worker = service_process("worker", WORKER_MODULE, environment, log_path=tmp_path / "worker.log")
    try:
        shim.start()
        worker.start()
        wait_until(lambda: shim.has_logged(told), timeout=40, what="the shim says why")
        wait_until(lambda: worker.has_logged(f"redis_{told.lower()}"), timeout=40, what="the worker says why")
    finally:
        shim.kill()
        worker.kill()
    said = _dead_letters(isolated_env, url).stderr
    assert told in said
    assert "canary" not in said + shim.log_path.read_text() + worker.log_path.read_text()
