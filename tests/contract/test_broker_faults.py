"""What a client and an operator see while Redis resets connections, is demoted, or is not as the service needs it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import redis

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.records import Scripts
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from tests.conftest import Environment, Servers, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service


@pytest.fixture
def proxy(stack: Servers) -> Iterator[TcpProxy]:
    """A proxy between the shim and the Redis of the tests."""
    with TcpProxy(stack.redis.port) as proxy:
        yield proxy


@pytest.fixture
def behind_proxy(
    isolated_env: Environment, proxy: TcpProxy, start_shim: Starter, start_worker: Starter, serve: Serve
) -> Service:
    """A shim and a worker. All connections of the shim to Redis go through the proxy, and none of the worker's."""
    url = re.sub(r":\d+/", f":{proxy.port}/", isolated_env["INTAKE_REDIS_URL"])
    return serve(start_shim({**isolated_env, "INTAKE_REDIS_URL": url}), start_worker(isolated_env))


def _events(service: Service, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in service.shim.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def test_a_client_notices_nothing_where_idle_connections_to_redis_are_reset(
    behind_proxy: Service, proxy: TcpProxy
) -> None:
    """All sending once ended after a reset, while `/healthz` said 200 and nothing was logged."""
    service = behind_proxy
    task_id = service.create().json()["task"]["id"]
    asked: tuple[Callable[[], httpx.Response], ...] = (
        lambda: service.result(task_id, wait=0),
        lambda: service.get("/readyz"),
        lambda: service.get("/metrics"),
        service.create,
        lambda: service.create({"prefer": "wait=20"}),
        lambda: service.result(task_id, wait=20),
    )
    for ask in asked:
        assert proxy.reset() >= 1
        assert ask().status_code in {200, 202}
    assert "intake_redis_up 1" in service.get("/metrics").text
    assert service.get("/healthz").status_code == 200


def test_a_call_that_waits_through_resets_gets_its_outcome_and_never_an_internal_error(
    behind_proxy: Service, proxy: TcpProxy
) -> None:
    service = behind_proxy
    for _ in range(5):
        response = service.create()
        proxy.reset()
        assert service.result(response.json()["task"]["id"], wait=20).status_code == 200


@pytest.fixture
def own_redis(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A Redis that is set up as the test's parameter says."""
    server = RedisServer(tmp_path / "redis", free_port(), [line.format(port=free_port()) for line in request.param])
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize(
    ("own_redis", "finding"),
    [
        (("maxmemory 100mb", "maxmemory-policy allkeys-lru"), "redis_evicts"),
        (("replicaof 127.0.0.1 {port}",), "redis_is_replica"),
        (("cluster-enabled yes", "cluster-port {port}"), "redis_cluster_mode"),
        (("user default on nopass ~* &* +@all -@scripting",), "redis_noperm"),
    ],
    indirect=["own_redis"],
    ids=["evicts", "replica", "cluster", "rights"],
)
def test_where_redis_is_not_as_needed_the_reason_is_told_everywhere_and_no_signup_is_accepted(
    isolated_env: Environment, start_shim: Starter, serve: Serve, own_redis: RedisServer, finding: str
) -> None:
    url = f"redis://127.0.0.1:{own_redis.port}/0" if finding == "redis_noperm" else own_redis.url
    service = serve(start_shim({**isolated_env, "INTAKE_REDIS_URL": url, "INTAKE_REDIS_TIMEOUT_SECONDS": "0.5"}))

    created = service.create()

    assert (created.status_code, created.json()["error"]) == (503, "service_unavailable")
    ready = service.get("/readyz")
    assert ready.status_code == 503
    assert finding in ready.json()["data"]["missing"]
    assert service.get("/healthz").status_code == 200
    assert re.search(rf'intake_redis_finding{{finding="{finding}"[^}}]*}} 1', service.get("/metrics").text)
    (told, *again) = [line for line in _events(service, "redis_finding") if line["finding"] == finding]
    assert told["advice"]
    assert again == []
    for _ in range(3):
        service.create()
    assert len(_events(service, "dependency_refuses")) <= 4, "refusals are told seldom"
    if finding == "redis_evicts":  # the one of these servers that takes what a shim says of itself
        with redis.Redis.from_url(url) as client:
            scripts = Scripts(client)
            wait_until(lambda: any(each.details.refused for each in scripts.overview().processes), what="it is told of")
            (shim,) = (each.details for each in scripts.overview().processes)
            assert (shim.taking, "broker" in shim.away) == (False, True)
            assert shim.refused["broker"] == f"{finding}: {told['advice']}"


@pytest.mark.parametrize("own_redis", [("maxmemory 100mb", "maxmemory-policy allkeys-lru")], indirect=True)
def test_a_redis_that_evicts_is_used_where_the_settings_say_so(
    isolated_env: Environment, start_shim: Starter, serve: Serve, own_redis: RedisServer
) -> None:
    env = {**isolated_env, "INTAKE_REDIS_URL": own_redis.url, "INTAKE_REDIS_ALLOW_EVICTION": "1"}
    service = serve(start_shim(env))
    assert service.create().status_code == 202
    assert service.get("/readyz").status_code == 200
    assert [line["severity"] for line in _events(service, "redis_finding")] == ["warn"]


@pytest.mark.parametrize("own_redis", [()], indirect=True)
def test_the_shim_leaves_a_primary_that_was_demoted_while_its_connections_stayed_open(
    tmp_path: Path, isolated_env: Environment, start_shim: Starter, serve: Serve, own_redis: RedisServer
) -> None:
    """Every signup once got 503 for as long as the process ran, while `/readyz` said 200."""
    new = RedisServer(tmp_path / "new", free_port(), [f"replicaof 127.0.0.1 {own_redis.port}"], password=None)
    with redis.Redis.from_url(own_redis.url) as old, TcpProxy(own_redis.port) as proxy:
        old.config_set("requirepass", "")
        new.start()
        try:
            service = serve(start_shim({**isolated_env, "INTAKE_REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"}))
            assert service.create().status_code == 202
            with redis.Redis.from_url(new.url) as client:
                proxy.retarget(new.port)
                client.replicaof("NO", "ONE")
                old.replicaof("127.0.0.1", str(new.port))
                wait_until(lambda: service.create().status_code == 202, what="the new primary accepts")
                assert service.get("/readyz").status_code == 200
                assert client.llen("customer.create") >= 1
        finally:
            new.kill()


@pytest.mark.parametrize("own_redis", [()], indirect=True, ids=["as needed at first"])
def test_a_shim_that_nobody_calls_is_not_ready_while_redis_lacks_replicas(
    isolated_env: Environment, start_shim: Starter, serve: Serve, own_redis: RedisServer
) -> None:
    """`INFO` does not show this, and Redis had refused nothing yet. So `/readyz` once said 200 for up to a minute."""
    service = serve(start_shim({**isolated_env, "INTAKE_REDIS_URL": own_redis.url}))
    assert service.get("/readyz").status_code == 200
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("min-replicas-to-write", 1)
        wait_until(lambda: service.get("/readyz").status_code == 503, timeout=20, what="it is not ready")
        assert "redis_noreplicas" in service.get("/readyz").json()["data"]["missing"]
        client.config_set("min-replicas-to-write", 0)
        wait_until(lambda: service.get("/readyz").status_code == 200, timeout=20, what="it is ready again")
