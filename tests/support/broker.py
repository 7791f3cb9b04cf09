"""The parts of a shim that talk to Redis, put together for tests. They run on uvloop and talk to a real server."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import redis
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretBytes
from structlog.testing import capture_logs

from api_shim.broker.absence import Absence
from api_shim.broker.pubsub import PROTOCOL
from api_shim.broker.redis_calls import RedisCalls
from api_shim.broker.redis_reports import RedisReports
from api_shim.broker.redis_watch import RedisWatch
from api_shim.broker.server_findings import ServerFindings
from api_shim.intake.accept import Acceptor, AdmissionLimits
from api_shim.metrics import ShimMetrics
from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from schemas.ids import IdDeriver
from schemas.protocol.call import Script
from schemas.protocol.message import MessageTemplate
from schemas.sealing import Sealer, generate_key_pair, parse_public_key
from startup.broker.redis_clients import redis_pool
from startup.broker.redis_url import parse_redis_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, MutableMapping
    from pathlib import Path

    from redis.asyncio import ConnectionPool

    from api_shim.intake.accept import Admission
    from schemas.protocol.call import Call

_SECONDS: Final = 60
BODY: Final = b'{"email": "a@example.com"}'


class Brokers:
    """Starts Redis servers for a test, and ends them when it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[RedisServer] = []

    def start(self, *lines: str, replica_of: RedisServer | None = None) -> RedisServer:
        """Start one more server, with these lines in its configuration."""
        if replica_of is not None:
            lines = (*lines, f"replicaof 127.0.0.1 {replica_of.port}")
        server = RedisServer(self._folder / f"redis-{len(self._started)}", free_port(), lines, password=None)
        self._started.append(server)
        server.start()
        return server

    def kill(self) -> None:
        """End all servers."""
        for server in self._started:
            server.kill()


@dataclass
class Broker:
    """The parts of a shim process that talk to Redis."""

    calls: RedisCalls
    watch: RedisWatch
    acceptor: Acceptor
    metrics: ShimMetrics
    absence: Absence
    pool: ConnectionPool
    """The pool of a subscription."""
    elsewhere: list[bool] = field(default_factory=list)
    """One item for each connection that was given up for another server."""

    async def accept(self, task_id: str) -> Admission:
        """Accept a request of this id."""
        return await self.acceptor.accept(task_id, BODY, caller="me", repeatable=False)

    def failures(self) -> float:
        """How often a connection was lost."""
        return self.metrics.registry.get_sample_value("intake_dependency_failures_total", {"dependency": "broker"}) or 0

    def count(self, sample: str, **labels: str) -> float:
        """A sample of the metrics, summed over all labels that are not given."""
        text = self.metrics.render().decode()
        families = text_string_to_metric_families(text)
        return sum(
            each.value
            for family in families
            for each in family.samples
            if each.name == sample and labels.items() <= each.labels.items()
        )


@contextlib.asynccontextmanager
async def connected(
    port: int,
    *,
    timeout_seconds: float = 2.0,
    accept_seconds: float = 4.25,
    allowed: Collection[str] = (),
    rate_per_second: float = 0,
    rate_burst: int = 1,
) -> AsyncIterator[Broker]:
    """Connect the parts to the Redis at this port. The watch looks only when it is asked."""
    metrics = ShimMetrics()
    reports = RedisReports(metrics)
    findings = ServerFindings(reports, allowed=allowed)
    elsewhere: list[bool] = []
    url = parse_redis_url(f"redis://127.0.0.1:{port}/0")
    pool = redis_pool(url, protocol=PROTOCOL, socket_timeout=None)
    calls = RedisCalls(
        url,
        timeout_seconds=timeout_seconds,
        findings=findings,
        reports=reports,
        on_elsewhere=lambda: elsewhere.append(True),
    )
    acceptor = Acceptor(
        calls,
        sealer=Sealer(*parse_public_key(generate_key_pair().public_line.encode())),
        ids=IdDeriver(SecretBytes(b"k" * 32)),
        message=MessageTemplate(),
        limits=AdmissionLimits(
            open_tasks=0, rate_per_second=rate_per_second, rate_burst=rate_burst, seconds=accept_seconds
        ),
    )
    calls.start()
    try:
        yield Broker(calls, RedisWatch(calls, findings), acceptor, metrics, Absence(calls, findings), pool, elsewhere)
    finally:
        await calls.close()
        await pool.aclose()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> list[MutableMapping[str, Any]]:
    """Run this on uvloop, which serves the shim too. It reports a reset connection in another way than asyncio does.

    Returns the lines that were logged.
    """

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await test()

    with capture_logs() as lines, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())
    return lines


async def until(condition: Callable[[], object], *, what: str = "the condition holds") -> None:
    """Return as soon as the condition holds. Fail the test where it does not in time."""

    async def holds() -> object:
        return condition()

    await until_it_does(holds, what=what)


def script_of(text: str, *, has_deadline: bool = False) -> Script:
    """A script for one test, with one key and any number of arguments."""
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script("of a test", text, digest, ("key",), (), has_tail=True, has_deadline=has_deadline)


def call_of(script: Script, key: str, *arguments: bytes) -> Call[Any]:
    """A call of such a script. It returns the reply as Redis sends it."""
    return script.call(lambda reply: reply, keys={"key": key}, arguments={}, tail=arguments)


async def until_it_does(ask: Callable[[], Awaitable[object]], *, what: str) -> None:
    """Ask again and again, and return as soon as the answer is true."""
    try:
        async with asyncio.timeout(_SECONDS):
            while not await ask():  # noqa: ASYNC110 - what is waited for is of another process
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"within {_SECONDS} s it did not come to pass that {what}") from None


def keys_of(server: RedisServer) -> set[str]:
    """All keys of this server."""
    with redis.Redis.from_url(server.url) as client:
        return {key.decode() for key in client.scan_iter(count=1000)}


def ask(server: RedisServer, *command: str | int) -> Any:
    """Send a command to this server, without the shim's parts. Returns the reply."""
    with redis.Redis.from_url(server.url) as client:
        return client.execute_command(*command)


def waits(call: asyncio.Future[Any]) -> bool:
    """Whether this task has made its call and waits for the answer."""
    assert isinstance(call, asyncio.Task)
    coroutine = call.get_coro()
    assert inspect.iscoroutine(coroutine)
    return inspect.getcoroutinestate(coroutine) == inspect.CORO_SUSPENDED


def unread_bytes(server: RedisServer) -> int:
    """How many bytes the system holds for this server, which has not read them: a paused server reads none."""
    port = f":{server.port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as lines:  # noqa: PTH123 - no file
        columns = [line.split() for line in lines]
    return sum(int(each[4].partition(":")[2], 16) for each in columns if each[1].endswith(port) and each[3] == "01")
