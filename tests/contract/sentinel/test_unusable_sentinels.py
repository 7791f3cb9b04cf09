"""Sentinels that lead to no primary: every process says what is wrong with them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import redis

from local_stack.service_process import WORKER, service_process
from tests.contract.sentinel.calls import SECONDS, dead_letters, missing
from tests.support.sentinels import NAME, SentinelServer, url_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve


class Faulty:
    """Settings that lead to no primary, and a worker with them."""

    def __init__(self, environment: Environment, folder: Path, finding: str) -> None:
        with redis.Redis.from_url(environment["INTAKE_REDIS_URL"]) as client:
            arguments = client.connection_pool.connection_kwargs
        lines = ["requirepass secret"] if finding == "redis_sentinel_refuses" else []
        self.sentinel = SentinelServer(folder / "sentinel", int(arguments["port"]), *lines, notices=False)
        url = url_of(self.sentinel).replace("//", f"//:{arguments['password']}@")
        url = url.removesuffix("0") + str(arguments["db"])
        if finding == "redis_unknown_master_name":
            url = url.replace(NAME, "another")
        self.settings = {**environment, "INTAKE_REDIS_URL": url}
        if finding == "redis_sentinel_refuses":
            self.settings["INTAKE_REDIS_SENTINEL_PASSWORD"] = "wrong-canary"
        if finding != "redis_no_sentinel":
            self.sentinel.start()
        self.worker = service_process("worker", WORKER, self.settings, log_path=folder / "worker.log")
        self.worker.start()

    def worker_log(self) -> str:
        return self.worker.log_path.read_text()

    def told_by_worker(self) -> set[str]:
        """The codes with which the worker says that it cannot use Redis."""
        lines = [json.loads(line) for line in self.worker_log().splitlines() if line.startswith("{")]
        return {line["code"] for line in lines if line["event"] == "dependency_refuses"}

    def kill(self) -> None:
        self.sentinel.process.kill()
        self.worker.kill()


@pytest.fixture(
    params=[
        pytest.param("redis_no_sentinel", marks=pytest.mark.slow),
        pytest.param("redis_unknown_master_name", marks=pytest.mark.slow),
        "redis_sentinel_refuses",
    ]
)
def faulty(isolated_env: Environment, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, Faulty]]:
    """A finding, and what leads to it."""
    made = Faulty(isolated_env, tmp_path, request.param)
    yield request.param, made
    made.kill()


def test_what_is_wrong_with_the_sentinels_is_told_everywhere(
    faulty: tuple[str, Faulty], start_shim: Starter, serve: Serve
) -> None:
    finding, led = faulty
    service = serve(start_shim(led.settings))

    created = service.create()

    assert (created.status_code, created.json()["error"]) == (503, "service_unavailable")
    assert missing(service) == [finding]
    assert f'intake_redis_finding{{finding="{finding}"' in service.get("/metrics").text
    assert [line["finding"] for line in service.lines("redis_finding")] == [finding]
    wait_until(led.told_by_worker, timeout=SECONDS, what="the worker says so too")
    assert led.told_by_worker() == {finding}

    done = dead_letters("list", led.settings)
    assert done.returncode == 1
    assert re.fullmatch("Error: .*Sentinel.*; nothing more was done\n", done.stderr)
    assert "canary" not in service.shim.log() + led.worker_log() + done.stderr

    if finding == "redis_no_sentinel":
        led.sentinel.start()
        wait_until(lambda: missing(service) == [], timeout=SECONDS, what="the shim is ready")
        wait_until(lambda: led.worker.has_logged("worker_ready"), timeout=SECONDS, what="the worker is ready")
        assert service.create({"prefer": "wait=20"}).status_code == 200
