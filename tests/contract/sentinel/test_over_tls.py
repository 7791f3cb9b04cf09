"""A failover by a real Sentinel where Redis, replica and Sentinel ask for TLS, client certificates and users."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis

from startup.broker.redis_rights import SHIM, WORKER
from tests.support.certificates import Authority, Issued
from tests.support.redis_users import ADMIN, REPLICA, password_of, user_lines
from tests.support.tls_redis import TlsRedis, tls_redis, tls_sentinel
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from startup.broker.redis_rights import Rights
    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

pytestmark = pytest.mark.slow

NAME: Final = "mymaster"
SENTINEL: Final = "sentinel"
PASSWORD: Final = "canary-of-the-sentinel"


@dataclass(frozen=True)
class Watched:
    """A primary with a replica, and a Sentinel that promotes it."""

    primary: TlsRedis
    replica: TlsRedis
    sentinel: TlsRedis
    own: Issued

    def url(self, rights: Rights) -> str:
        """The URL with which a process finds the primary and signs in."""
        alone = self.sentinel.url(user=f"{rights.user}:{password_of(rights.user)}", own=self.own)
        return alone.replace("rediss://", "rediss+sentinel://").replace("/0?", f"/{NAME}/0?")

    def ask_sentinel(self, *command: str) -> object:
        """What the Sentinel answers."""
        with redis.Redis(port=self.sentinel.plain_port, password=PASSWORD) as client:
            return client.execute_command(*command)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    authority = Authority(tmp_path / "authority")
    server = authority.issue("server")
    users = tmp_path / "users.acl"
    # Redis before 7.2 does not know this command.
    users.write_text("\n".join(line.replace(" +client|setinfo", "") for line in user_lines()) + "\n")
    lines = (f"aclfile {users}", "tls-replication yes", f"masteruser {REPLICA}", f"masterauth {password_of(REPLICA)}")
    with ExitStack() as ends:
        primary = ends.enter_context(tls_redis(tmp_path / "one", authority, server, *lines, clients="yes"))
        follows = f"replicaof 127.0.0.1 {primary.port}"
        replica = ends.enter_context(tls_redis(tmp_path / "two", authority, server, *lines, follows, clients="yes"))
        sentinel = ends.enter_context(
            tls_sentinel(
                tmp_path / "sentinel",
                authority,
                server,
                f"sentinel monitor {NAME} 127.0.0.1 {primary.port} 1",
                f"sentinel auth-user {NAME} {SENTINEL}",
                f"sentinel auth-pass {NAME} {password_of(SENTINEL)}",
                f"sentinel down-after-milliseconds {NAME} 1000",
                f"requirepass {PASSWORD}",
            )
        )
        watched = Watched(primary, replica, sentinel, authority.issue("client"))
        wait_until(lambda: _knows_a_replica(watched), timeout=30, what="the Sentinel knows the replica")
        yield watched


def _knows_a_replica(watched: Watched) -> bool:
    told: Any = watched.ask_sentinel("INFO", "sentinel")
    return str(told["master0"]["slaves"]) == "1" and told["master0"]["status"] == "ok"


def test_signups_go_on_with_the_replica_once_it_is_promoted(
    watched: Watched, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    environment = {**isolated_env, "INTAKE_REDIS_SENTINEL_PASSWORD": PASSWORD}
    shim = start_shim({**environment, "INTAKE_REDIS_URL": watched.url(SHIM)})
    worker = start_worker({**environment, "INTAKE_REDIS_URL": watched.url(WORKER)})
    service = serve(shim, worker)
    assert service.create({"prefer": "wait=20"}).json()["ok"] is True

    watched.primary.process.kill()

    wait_until(lambda: service.get("/readyz").status_code != 200, timeout=30, what="the shim sees the outage")
    wait_until(lambda: service.get("/readyz").status_code == 200, timeout=60, what="the shim finds the replica")
    assert service.create({"prefer": "wait=30"}).json()["ok"] is True
    assert worker.process.alive
    with redis.Redis(port=watched.replica.plain_port, username=ADMIN, password=password_of(ADMIN)) as admin:
        assert [entry for entry in admin.acl_log() if entry["username"] in {SENTINEL, REPLICA}] == []
    said = shim.log() + worker.log()
    assert PASSWORD not in said
    assert password_of(SHIM.user) not in said
