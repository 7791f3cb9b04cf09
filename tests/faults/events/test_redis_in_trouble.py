"""A notifier goes on sending by itself after Redis has refused it, and after another Redis was promoted."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis

from local_stack.ports import free_port
from startup.broker.redis_clients import redis_client
from startup.broker.redis_url import parse_redis_url
from tests.notifier.process import Notifying, ids, to
from tests.support.events import happen
from tests.support.receiver import a_receiver, status, taken
from tests.support.sentinels import Watched
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter
    from tests.faults.events.conftest import OwnRedis

pytestmark = pytest.mark.slow

QUICK_LEASE: Final = {"INTAKE_WEBHOOKS_TIMEOUT_SECONDS": "0.5"}
"""A lease that ends soon after Redis was away."""

SECONDS: Final = 40


@contextmanager
def _configured(client: redis.Redis, name: str, on: str, off: str) -> Iterator[None]:
    client.config_set(name, on)
    yield
    client.config_set(name, off)


@contextmanager
def _a_replica(client: redis.Redis) -> Iterator[None]:
    client.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))
    yield
    client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def _without(client: redis.Redis, right: str) -> Iterator[None]:
    client.execute_command("ACL", "SETUSER", "default", f"-{right}")
    yield
    client.execute_command("ACL", "SETUSER", "default", "+@all")


REFUSALS: Final[dict[str, Callable[[redis.Redis], AbstractContextManager[None]]]] = {
    "READONLY": _a_replica,
    "NOPERM": partial(_without, right="evalsha"),
    "NOPERM inside of a script": partial(_without, right="zadd"),
    "NOREPLICAS": partial(_configured, name="min-replicas-to-write", on="1", off="0"),
}
"""What Redis refuses with (the first word), and how it comes to that."""


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_notifier_goes_on_after_redis_has_refused_it_and_says_what_was_refused(
    notifying: Notifying, own_redis: OwnRedis, refusal: str
) -> None:
    with a_receiver(status(500)) as receiver, redis.Redis.from_url(own_redis.server.url) as admin:
        running = notifying.begin(to(receiver, order="strict"), **QUICK_LEASE)
        happen(notifying.client, "evt_1", "evt_2")
        wait_until(lambda: receiver.received, what="it is tried")
        with REFUSALS[refusal](admin):
            wait_until(
                lambda: refusal.partition(" ")[0] in _refused(notifying), timeout=SECONDS, what="the refusal is logged"
            )
        receiver.behave = taken
        happen(notifying.client, "evt_3")
        wait_until(lambda: len(_delivered(notifying)) == 3, timeout=SECONDS, what="all are delivered")
        assert running.process.alive
    assert list(dict.fromkeys(ids(receiver.received))) == ["evt_1", "evt_2", "evt_3"]


def test_a_redis_without_memory_left_holds_up_no_event_that_it_has(notifying: Notifying, own_redis: OwnRedis) -> None:
    with a_receiver(status(500)) as receiver, redis.Redis.from_url(own_redis.server.url) as admin:
        notifying.begin(to(receiver))
        happen(notifying.client, *[f"evt_{number}" for number in range(20)])
        wait_until(lambda: receiver.received, what="they are tried")
        with _configured(admin, "maxmemory", on="1", off="0"):
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                admin.set("one", "more")
            receiver.behave = taken
            wait_until(lambda: len(_delivered(notifying)) == 20, timeout=SECONDS, what="all are delivered")
    assert not _refused(notifying)


def test_a_notifier_waits_while_redis_reads_its_data_back(notifying: Notifying, own_redis: OwnRedis) -> None:
    with a_receiver() as receiver, redis.Redis.from_url(own_redis.server.url) as admin:
        admin.config_set("key-load-delay", "20000")
        admin.config_rewrite()
        with admin.pipeline(transaction=False) as pipeline:
            for number in range(100):
                pipeline.set(f"filler-{number}", "x" * 100)
            pipeline.execute()
        notifying.begin(to(receiver), **QUICK_LEASE)
        own_redis.server.kill()
        own_redis.server.start()
        happen(notifying.client, "evt_1")
        wait_until(lambda: receiver.received, timeout=SECONDS, what="it is delivered")


def test_a_notifier_follows_a_failover_and_knows_what_its_endpoints_lack(
    isolated_env: Environment, tmp_path: Path, start_notifier: Starter
) -> None:
    with Watched(tmp_path / "watched") as watched, a_receiver(status(500)) as failing, a_receiver() as receiver:
        environment = {**isolated_env, "INTAKE_REDIS_URL": watched.url}
        with redis_client(parse_redis_url(watched.url)) as client:
            notifying = _following(environment, tmp_path, start_notifier, client)
            notifying.begin(to(failing, name="failing", order="strict"), to(receiver), **QUICK_LEASE)
            happen(client, "evt_1", "evt_2")
            wait_until(lambda: len(receiver.received) == 2 and failing.received, what="both are tried")
            wait_until(watched.in_sync, what="the replica has all of it")
            watched.primary.kill()
            watched.wait_until_promoted()
            failing.behave = taken
            _until_taken(partial(happen, client, "evt_3"))
            wait_until(lambda: "evt_3" in ids(receiver.received), timeout=SECONDS, what="the next one is delivered")
            wait_until(lambda: "evt_3" in ids(failing.received), timeout=SECONDS, what="to the other endpoint too")
    assert list(dict.fromkeys(ids(failing.received))) == ["evt_1", "evt_2", "evt_3"]


def _delivered(notifying: Notifying) -> set[str]:
    """Some of them perhaps twice, where the lease was lost meanwhile."""
    return {line["event_id"] for line in notifying.logged("event_delivered")}


def _refused(notifying: Notifying) -> set[str]:
    return {line["code"] for line in notifying.logged("dependency_refuses")}


def _following(environment: Environment, folder: Path, start: Starter, client: redis.Redis) -> Notifying:
    """A notifier whose Redis is found by Sentinels. So is that of the test's own client."""

    class Following(Notifying):
        def __post_init__(self) -> None:
            self.client = client
            self.running = None

    return Following(environment, folder / "endpoints.toml", start)


def _until_taken(write: Callable[[], Any]) -> None:
    def is_taken() -> bool:
        try:
            write()
        except (redis.RedisError, OSError):
            return False
        return True

    wait_until(is_taken, timeout=SECONDS, what="Redis takes a write")
