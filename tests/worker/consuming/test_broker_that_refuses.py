"""A Redis that answers and cannot be used. The worker names the reason, asks seldom, and goes over to its successor."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import redis

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from local_stack.service_process import WORKER, service_process
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.waiting import wait_until
from tests.worker.consuming.test_consuming import Producer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.conftest import Servers

MOST_LINES = 30
"""More lines than a start and a finding need. A loop without pauses would write twenty a second."""


class Broker:
    """A Redis of the test's own."""

    def __init__(self, folder: Path, stack: ExitStack, *lines: str) -> None:
        self.server = RedisServer(folder / f"redis-{free_port()}", free_port(), lines, password=None)
        stack.callback(self.server.kill)
        self.server.start()
        self.client = stack.enter_context(redis.Redis.from_url(self.server.url, protocol=2))

    @property
    def port(self) -> int:
        return self.server.port

    def set(self, name: str, value: str) -> None:
        self.client.config_set(name, value)

    def follow(self, port: int | None) -> None:
        self.client.execute_command("REPLICAOF", *(("NO", "ONE") if port is None else ("127.0.0.1", port)))


class Worker:
    """A worker, which may never come to consume."""

    def __init__(self, folder: Path, environment: Mapping[str, str], stack: ExitStack, url: str) -> None:
        self.health = folder / "health"
        self.metrics_port = free_port()
        settings = {
            "INTAKE_REDIS_URL": url,
            "INTAKE_WORKER_HEALTH_FILE": str(self.health),
            "INTAKE_WORKER_METRICS_PORT": str(self.metrics_port),
        }
        self.process = service_process("worker", WORKER, {**environment, **settings}, log_path=folder / "worker.log")
        stack.callback(self.process.kill)
        self.process.start()

    @property
    def alive(self) -> bool:
        return self.process.alive

    def lines(self, event: str = "", **fields: str) -> list[dict[str, Any]]:
        raw = self.process.log_path.read_text(errors="replace").splitlines()
        lines = [json.loads(line) for line in raw if line.startswith("{")]
        wanted = {"event": event, **fields} if event else fields
        return [line for line in lines if wanted.items() <= line.items()]

    def refusals(self) -> set[str]:
        return {line["code"] for line in self.lines("dependency_refuses", dependency="broker")}

    def metric(self, name: str) -> dict[str, float]:
        """Each series of this name with its value. It is empty while the worker does not answer yet."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics") as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return {}
        pairs = (line.rsplit(" ", 1) for line in lines if line.startswith(name))
        return {series.removeprefix(name): float(value) for series, value in pairs}

    def findings(self) -> set[str]:
        return set(re.findall('finding="(.+?)"', "".join(self.metric("intake_redis_finding"))))

    def wait_until_refused(self, times: int) -> None:
        wait_until(
            lambda: sum(self.metric("intake_dependency_refusals_total").values()) >= times,
            timeout=30,
            what="it was refused so often",
        )

    def wait_until_it_looks_healthy(self) -> None:
        self.health.unlink(missing_ok=True)
        wait_until(self.health.exists, timeout=30, what="it looks healthy")


@pytest.fixture
def at_the_end() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def a_producer(client: redis.Redis, environment: Mapping[str, str], servers: Servers) -> Producer:
    return Producer(client, environment, servers.secrets.sealing_public_key)


def demote(old: Broker, new: Broker) -> None:
    old.follow(new.port)


def cut_off(old: Broker, _new: Broker) -> None:
    old.set("replica-serve-stale-data", "no")
    old.follow(free_port())


def isolate(old: Broker, _new: Broker) -> None:
    old.set("min-replicas-to-write", "1")


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(demote, id="now a replica"),
        pytest.param(cut_off, id="a replica of nobody", marks=pytest.mark.slow),
        pytest.param(isolate, id="without its replicas", marks=pytest.mark.slow),
    ],
)
def test_a_worker_goes_from_a_redis_that_refuses_to_the_one_that_the_name_leads_to_now(
    stack: Servers,
    isolated_env: Mapping[str, str],
    at_the_end: ExitStack,
    tmp_path: Path,
    lose: Callable[[Broker, Broker], None],
) -> None:
    old, new = Broker(tmp_path, at_the_end), Broker(tmp_path, at_the_end)
    new.follow(old.port)
    proxy = at_the_end.enter_context(TcpProxy(old.port))
    worker = Worker(tmp_path, isolated_env, at_the_end, f"redis://127.0.0.1:{proxy.port}/0")
    before = a_producer(old.client, isolated_env, stack)
    tasks = [before.accept(number) for number in range(20)]
    wait_until(lambda: all(map(before.created, tasks)), timeout=30, what="it works at the old primary")
    wait_until(
        lambda: new.client.info("replication")["master_link_status"] == "up",
        timeout=30,
        what="the replica follows",
    )

    new.follow(None)
    proxy.retarget(new.port)
    lose(old, new)  # Its connections stay open.

    after = a_producer(new.client, isolated_env, stack)
    tasks = [after.accept(100 + number) for number in range(20)]
    wait_until(lambda: all(map(after.created, tasks)), timeout=60, what="it works at the new primary")
    assert worker.alive
    worker.wait_until_it_looks_healthy()


def without_scripts(broker: Broker) -> str:
    broker.client.execute_command("ACL", "SETUSER", "intake", "on", ">secret", "~*", "&*", "+@all", "-@scripting")
    return f"redis://intake:secret@127.0.0.1:{broker.port}/0"


def with_scripts(broker: Broker) -> None:
    broker.client.execute_command("ACL", "SETUSER", "intake", "+@all")


def without_taking(broker: Broker) -> str:
    broker.client.execute_command("ACL", "SETUSER", "intake", "on", ">secret", "~*", "&*", "+@all", "-blmpop")
    return f"redis://intake:secret@127.0.0.1:{broker.port}/0"


def as_replica(broker: Broker) -> str:
    broker.follow(free_port())
    return broker.server.url


def as_primary(broker: Broker) -> None:
    broker.follow(None)


def protected(broker: Broker) -> str:
    broker.set("requirepass", "secret")
    return broker.server.url


def unprotected(broker: Broker) -> None:
    broker.client.execute_command("AUTH", "secret")
    broker.set("requirepass", "")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param((without_scripts, with_scripts, "redis_noperm"), id="no right to scripts"),
        pytest.param((without_taking, with_scripts, "redis_noperm"), id="no right to take", marks=pytest.mark.slow),
        pytest.param((as_replica, as_primary, "redis_is_replica"), id="replica", marks=pytest.mark.slow),
        pytest.param((protected, unprotected, "redis_noauth"), id="password", marks=pytest.mark.slow),
    ],
)
def test_a_worker_says_why_it_cannot_use_redis_looks_unhealthy_and_works_once_it_can(
    stack: Servers,
    isolated_env: Mapping[str, str],
    at_the_end: ExitStack,
    tmp_path: Path,
    fault: tuple[Callable[[Broker], str], Callable[[Broker], None], str],
) -> None:
    spoil, mend, code = fault
    broker = Broker(tmp_path, at_the_end)
    worker = Worker(tmp_path, isolated_env, at_the_end, spoil(broker))
    worker.wait_until_refused(3)
    assert worker.refusals() == worker.findings() == {code}
    assert len(worker.lines()) < MOST_LINES
    assert worker.alive
    assert not worker.health.exists()
    assert "secret" not in json.dumps(worker.lines())

    mend(broker)
    task = (producer := a_producer(broker.client, isolated_env, stack)).accept(1)
    wait_until(lambda: producer.created(task), timeout=90, what="it works")
    assert worker.findings() == set()
    worker.wait_until_it_looks_healthy()


@pytest.mark.slow
def test_a_redis_in_cluster_mode_is_told_by_name(
    isolated_env: Mapping[str, str], at_the_end: ExitStack, tmp_path: Path
) -> None:
    broker = Broker(tmp_path, at_the_end, "cluster-enabled yes", f"cluster-port {free_port()}")
    worker = Worker(tmp_path, isolated_env, at_the_end, broker.server.url)
    worker.wait_until_refused(3)
    assert worker.refusals() == {"redis_cluster_mode"} <= worker.findings()
    assert len(worker.lines()) < MOST_LINES
    assert not worker.health.exists()


@pytest.mark.slow
def test_a_worker_that_loses_a_right_says_so_seldom_and_goes_on_when_it_has_the_right_again(
    stack: Servers, isolated_env: Mapping[str, str], at_the_end: ExitStack, tmp_path: Path
) -> None:
    broker = Broker(tmp_path, at_the_end)
    without_scripts(broker)
    with_scripts(broker)
    producer = a_producer(broker.client, isolated_env, stack)
    worker = Worker(tmp_path, isolated_env, at_the_end, f"redis://intake:secret@127.0.0.1:{broker.port}/0")
    first = producer.accept(1)
    wait_until(lambda: producer.created(first), timeout=30, what="it works")

    without_taking(broker)
    wait_until(lambda: "redis_noperm" in worker.refusals(), timeout=30, what="it says so")
    worker.health.unlink(missing_ok=True)
    lines = len(worker.lines())
    worker.wait_until_refused(3)
    (said,) = (each.details for each in producer.scripts.overview().processes)
    assert (said.taking, "broker" in said.away) == (False, True)
    assert said.refused["broker"].startswith("redis_noperm: ")
    assert len(worker.lines()) - lines < MOST_LINES
    assert not worker.health.exists()

    with_scripts(broker)
    second = producer.accept(2)
    wait_until(lambda: producer.created(second), timeout=90, what="it works again")


@pytest.mark.slow
def test_a_worker_that_waits_for_a_redis_that_it_can_use_stops_when_it_is_told_to(
    isolated_env: Mapping[str, str], at_the_end: ExitStack, tmp_path: Path
) -> None:
    broker = Broker(tmp_path, at_the_end)
    worker = Worker(tmp_path, isolated_env, at_the_end, broker.server.url)
    worker.wait_until_it_looks_healthy()
    broker.follow(free_port())
    worker.wait_until_refused(3)
    assert worker.process.terminate(timeout=25)
    assert worker.process.exit_code == 0


@pytest.mark.slow
def test_a_worker_whose_connections_are_reset_one_after_the_other_makes_new_ones_with_growing_gaps(
    stack: Servers, isolated_env: Mapping[str, str], at_the_end: ExitStack, tmp_path: Path
) -> None:
    broker = Broker(tmp_path, at_the_end)
    proxy = at_the_end.enter_context(TcpProxy(broker.port))
    worker = Worker(tmp_path, isolated_env, at_the_end, f"redis://127.0.0.1:{proxy.port}/0")
    producer = a_producer(broker.client, isolated_env, stack)
    first = producer.accept(1)
    wait_until(lambda: producer.created(first), timeout=30, what="it works")

    began = time.monotonic()
    while time.monotonic() - began < 6:
        proxy.reset()
    assert len(worker.lines("taking_stopped")) >= 1
    assert len(worker.lines()) < 2 * MOST_LINES
    second = producer.accept(2)
    wait_until(lambda: producer.created(second), timeout=60, what="it works again")


def test_a_redis_that_would_forget_promises_is_told_and_its_tasks_are_worked(
    stack: Servers, isolated_env: Mapping[str, str], at_the_end: ExitStack, tmp_path: Path
) -> None:
    broker = Broker(tmp_path, at_the_end)
    broker.set("maxmemory-policy", "allkeys-lru")
    worker = Worker(tmp_path, isolated_env, at_the_end, broker.server.url)
    producer = a_producer(broker.client, isolated_env, stack)
    task = producer.accept(1)
    wait_until(lambda: producer.created(task), timeout=30, what="it works")
    assert [line["finding"] for line in worker.lines("redis_finding")] == ["redis_evicts"]
    assert worker.findings() == {"redis_evicts"}
