"""Connections between the console and Redis that are reset. A look is repeated, and an act is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis

from console.service.broker import Broker, BrokerAwayError
from console.service.operators_letters import OperatorsLetters, Selection
from schemas.ids import new_task_id
from schemas.protocol.keys import DEAD_KEY, PAUSED_KEY, QUEUE
from schemas.protocol.steps.pausing import Paused, pause, read_pause
from startup.broker.redis_url import parse_redis_url
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Servers

PONG: Final = len(b"+PONG\r\n")
"""What Redis replies before each act."""

NO_CHUNK: Final = len(b"*1\r\n$-1\r\n")
"""What Redis replies to the question whether one dead letter is of a batch."""


@pytest.fixture
def scripts(module_env: Environment) -> Iterator[Scripts]:
    """The steps of the protocol, past the proxy."""
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        client.delete(DEAD_KEY, QUEUE, PAUSED_KEY)
        yield Scripts(client)


@pytest.fixture
def proxy(stack: Servers) -> Iterator[TcpProxy]:
    """A proxy between the console and the Redis of the tests."""
    with TcpProxy(stack.redis.port) as proxy:
        yield proxy


@pytest.fixture
def broker(module_env: Environment, stack: Servers, proxy: TcpProxy) -> Iterator[Broker]:
    """What the console calls Redis with. It has a connection."""
    url = module_env["INTAKE_REDIS_URL"].replace(f":{stack.redis.port}/", f":{proxy.port}/")
    broker = Broker(parse_redis_url(url), timeout_seconds=20)
    asyncio.run(broker.run(read_pause()))
    yield broker
    broker.close()


def _act(broker: Broker, what: Paused) -> Any:
    (changed,) = asyncio.run(broker.act(pause(what, by="olga")))
    return changed


def test_a_look_whose_reply_is_lost_is_repeated(broker: Broker, proxy: TcpProxy) -> None:
    proxy.reset_after(Way.REPLIES, 0)
    (seen,) = asyncio.run(broker.run(read_pause()))
    assert seen.what is Paused.NOTHING
    assert not proxy.reset_awaited


def test_an_act_whose_reply_is_lost_is_not_repeated_and_told_as_unanswered(
    broker: Broker, proxy: TcpProxy, scripts: Scripts
) -> None:
    assert _act(broker, Paused.BATCHES) is True
    proxy.reset_after(Way.REPLIES, PONG)
    with pytest.raises(BrokerAwayError, match="ConnectionError"):
        _act(broker, Paused.ALL)
    assert scripts.client.hget(PAUSED_KEY, "what") == b"all"


def test_a_dead_letter_whose_reply_is_lost_is_not_counted_as_unchanged(
    broker: Broker, proxy: TcpProxy, scripts: Scripts
) -> None:
    letters = OperatorsLetters(broker)
    first, second = ids = [new_task_id() for _ in range(2)]
    for task_id in ids:
        scripts.accept(task_id)
        scripts.started(task_id, delivery="one")
        scripts.park(task_id, delivery="one", reason="a_reason")
    assert asyncio.run(letters.drop(Selection(task_id=first))).count == 1
    proxy.reset_after(Way.REPLIES, PONG + NO_CHUNK)
    with pytest.raises(BrokerAwayError, match="ConnectionError"):
        asyncio.run(letters.drop(Selection(task_id=second)))
    assert scripts.client.zcard(DEAD_KEY) == 0


def test_a_connection_that_broke_while_it_was_idle_fails_no_act(broker: Broker, proxy: TcpProxy) -> None:
    proxy.reset_after(Way.REQUESTS, 0)
    assert _act(broker, Paused.ALL) is True
    assert not proxy.reset_awaited
