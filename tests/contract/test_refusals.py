"""Signups that are refused for now: the queue is full, the caller is over its rate, or the broker is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.service import an_email
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from local_stack.redis_server import RedisServer
    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service


def test_where_the_queue_is_full_a_signup_gets_429_but_a_repeat_of_one_in_the_queue_does_not(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_MAX_OPEN_TASKS="1"))
    document = as_body(a_request(email=an_email()))
    first = service.post(document, {"idempotency-key": "first"})

    response = service.create()

    assert (response.status_code, response.json()) == (429, {"ok": False, "error": "queue_full"})
    assert int(response.headers["retry-after"]) > 0
    assert response.headers["x-request-id"]
    assert service.tasks() == 1
    repeat = service.post(document, {"idempotency-key": "first"})
    assert (repeat.status_code, repeat.json()) == (202, first.json())


def test_a_queue_that_was_full_accepts_again(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_MAX_OPEN_TASKS="1"))
    task_id = service.create().json()["task"]["id"]
    assert service.create().status_code == 429

    start_worker(isolated_env)

    assert service.result(task_id).json()["ok"] is True
    assert service.create().status_code == 202


def test_a_caller_over_its_rate_gets_429_and_another_caller_does_not(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_RATE_PER_SECOND="0.01", INTAKE_RATE_BURST="3"))
    answers = [service.create() for _ in range(4)]

    assert [response.status_code for response in answers] == [202, 202, 202, 429]
    refused = answers[-1]
    assert refused.json() == {"ok": False, "error": "rate_limited"}
    assert 1 < int(refused.headers["retry-after"]) <= 100
    assert service.create(service.bearer(sub="another")).status_code == 202
    assert service.tasks() == 4


@pytest.fixture
def with_own_redis(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, own_redis: RedisServer, serve: Serve
) -> Service:
    """A whole service on that Redis."""
    env = {**isolated_env, "INTAKE_REDIS_URL": own_redis.url, "INTAKE_REDIS_TIMEOUT_SECONDS": "0.5"}
    return serve(start_shim(env), start_worker(env))


@pytest.mark.parametrize("how", [pytest.param("killed", marks=pytest.mark.slow), "frozen"])
def test_without_the_broker_nothing_is_accepted_and_with_it_everything_goes_on(
    own_redis: RedisServer, with_own_redis: Service, how: str
) -> None:
    service = with_own_redis
    before = service.create({"prefer": "wait=20"})
    assert before.status_code == 200

    if how == "killed":
        own_redis.kill()
    else:
        own_redis.process.pause()

    for response in (service.create(), service.create({"prefer": "wait=5"}), service.result("A" * 22, wait=0)):
        assert (response.status_code, response.json()) == (503, {"ok": False, "error": "service_unavailable"})
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["x-request-id"]
        assert response.elapsed.total_seconds() < 5
    assert service.get("/healthz").status_code == 200
    ready = service.get("/readyz")
    assert (ready.status_code, ready.json()["data"]) == (503, {"missing": ["broker"]})
    assert "intake_redis_up 0" in service.get("/metrics").text
    # A bad request is refused as ever.
    assert service.post(b"{").status_code == 400

    if how == "killed":
        own_redis.start()
    else:
        own_redis.process.resume()

    wait_until(lambda: service.get("/readyz").status_code == 200, what="the shim is ready again")
    assert service.create({"prefer": "wait=30"}).status_code == 200
    assert service.shim.process.alive
    assert service.worker is not None
    assert service.worker.process.alive
