"""What `/metrics` tells of the queue and of Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from api_shim.broker.overviews import Overviews
from api_shim.queue_metrics import render_queue
from schemas.protocol.steps.overseeing import announce
from schemas.protocol.steps.pausing import Paused, pause
from startup.identity import Identity
from tests.support.broker import Brokers, connected, run

if TYPE_CHECKING:
    from api_shim.broker.redis_calls import RedisCalls
    from schemas.protocol.call import Call

Reply = TypeVar("Reply")


def test_processes_are_counted_by_kind_and_release(brokers: Brokers) -> None:
    server = brokers.start()
    rendered: list[str] = []

    async def test() -> None:
        async with connected(server.port) as broker:
            for kind in ("console", "worker", "worker"):
                identity = Identity(kind)
                details = identity.details(holds={}, done=0, taking=True)
                await broker.calls.run(announce(identity.name, details))
            rendered.append((await render_queue(broker.calls, Overviews(broker.calls))).decode())

    run(test)
    release = Identity("worker").details(holds={}, done=0, taking=True).version
    assert {line for line in rendered[0].splitlines() if line.startswith("intake_processes")} == {
        f'intake_processes{{kind="console",version="{release}"}} 1.0',
        f'intake_processes{{kind="worker",version="{release}"}} 2.0',
    }


@pytest.mark.parametrize(
    ("what", "told"),
    [(Paused.NOTHING, (0.0, 0.0)), (Paused.BATCHES, (0.0, 1.0)), (Paused.ALL, (1.0, 0.0))],
)
def test_a_pause_is_told_by_what_an_operator_paused(brokers: Brokers, what: Paused, told: tuple[float, float]) -> None:
    server = brokers.start()
    rendered: list[str] = []

    async def test() -> None:
        async with connected(server.port) as broker:
            await broker.calls.run(pause(what, by="olga"))
            rendered.append((await render_queue(broker.calls, Overviews(broker.calls))).decode())

    run(test)
    assert [line for line in rendered[0].splitlines() if line.startswith("intake_paused")] == [
        f'intake_paused{{what="all"}} {told[0]}',
        f'intake_paused{{what="batches"}} {told[1]}',
    ]


class _WithAnotherInfo:
    """A real Redis whose `INFO` has other fields, as some managed servers have."""

    def __init__(self, calls: RedisCalls, told: bytes) -> None:
        self._calls = calls
        self._told = told

    async def command(self, *command: Any) -> Any:
        return self._told if command[0] == "INFO" else await self._calls.command(*command)

    async def read(self, call: Call[Reply]) -> Reply:
        return await self._calls.read(call)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (b"# Memory\r\nused_memory:5\r\nmaxmemory:7\r\n", {"used": 5, "maximum": 7}),
        (b"# Memory\r\nused_memory:5\r\n", {"used": 5}),
        (b"# Memory\r\nmaxmemory:7\r\n", {"maximum": 7}),
        (b"# Memory\r\nused_memory:\r\nmaxmemory:unknown\r\n", {}),
        (b"", {}),
    ],
    ids=["both", "no maxmemory", "no used_memory", "no numbers", "nothing"],
)
def test_memory_that_redis_does_not_tell_is_left_out_and_the_rest_is_shown(
    brokers: Brokers, told: bytes, shown: dict[str, int]
) -> None:
    server = brokers.start()
    rendered: list[str] = []

    async def test() -> None:
        async with connected(server.port) as broker:
            calls = cast("RedisCalls", _WithAnotherInfo(broker.calls, told))
            rendered.append((await render_queue(calls, Overviews(broker.calls))).decode())

    run(test)
    lines = rendered[0].splitlines()
    assert "intake_redis_up 1.0" in lines
    assert "intake_open_tasks 0.0" in lines
    memory = {line for line in lines if line.startswith(("intake_redis_used", "intake_redis_maximum"))}
    assert memory == {f"intake_redis_{name}_bytes {float(value)}" for name, value in shown.items()}
