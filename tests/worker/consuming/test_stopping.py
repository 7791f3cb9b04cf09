"""A worker that stops puts back the tasks that it has taken and not begun, so that no signup has to wait."""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection, Consumer

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from schemas.ids import new_task_id
from schemas.protocol.keys import OPEN_KEY, record_key
from schemas.protocol.message import MessageTemplate, queue
from tests.support.records import Scripts
from tests.support.waiting import wait_until
from tests.worker.consuming.test_consuming import Producer
from worker.consuming.transport import Channel, Transport
from worker.promise.records import RedisRecords

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import redis
    from kombu import Message

    from tests.conftest import Servers, Starter

ROLLING = {
    # A second sweep sends again what the first one missed. So a dropped task would be sent again within the test.
    "INTAKE_SWEEP_INTERVAL_SECONDS": "0.5",
    "INTAKE_SWEEP_GRACE_SECONDS": "4",
    # These are too few threads, so that a worker holds many tasks that it has not begun.
    "INTAKE_WORKER_CONCURRENCY": "2",
}


@pytest.fixture
def producer(redis_client: redis.Redis, isolated_env: Mapping[str, str], stack: Servers) -> Producer:
    return Producer(redis_client, isolated_env, stack.secrets.sealing_public_key)


@contextmanager
def signups(producer: Producer, *, a_second: float) -> Iterator[list[str]]:
    """Accept tasks at this pace until the block ends. Yields their ids."""
    accepted: list[str] = []
    ended = threading.Event()

    def accept() -> None:
        for number in itertools.count():
            accepted.append(producer.accept(number))
            if ended.wait(1 / a_second):
                return

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield accepted
    finally:
        ended.set()
        thread.join()


def sends(producer: Producer, task_ids: list[str]) -> set[bytes | None]:
    with producer.client.pipeline(transaction=False) as pipeline:
        for task_id in task_ids:
            pipeline.hget(record_key(task_id), "sends")
        return set(pipeline.execute())


class Listener:
    """A consumer that has asked Redis for messages, as Celery's consumer does before it waits."""

    def __init__(self, client: redis.Redis, url: str) -> None:
        records = RedisRecords(
            client, MessageTemplate(), result_ttl_seconds=60, lease_seconds=60, unreadable_wait_seconds=60
        )
        channel = type("Channel", (Channel,), {"put_back": staticmethod(records.put_back_messages)})
        self.connection = Connection(
            url,
            transport=type("Transport", (Transport,), {"Channel": channel}),
            transport_options={"ack_emulation": False, "priority_steps": [0], "socket_timeout": 5},
        )
        self.delivered: list[str] = []
        self.consumer = Consumer(self.connection, queues=[queue()], on_message=self._take)
        self.consumer.consume()
        self.connection.transport.cycle.on_poll_start()
        channel_in_use: Any = self.consumer.channel
        assert channel_in_use.is_asking

    def _take(self, message: Message) -> None:
        self.delivered.append(message.headers["id"])


@pytest.fixture
def listener(redis_client: redis.Redis, isolated_env: Mapping[str, str]) -> Iterator[Listener]:
    listener = Listener(redis_client, isolated_env["INTAKE_REDIS_URL"])
    yield listener
    listener.connection.close()


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_messages_that_were_asked_for_and_have_no_consumer_are_put_back_at_the_head_of_the_queue(
    redis_client: redis.Redis, listener: Listener, end: str
) -> None:
    scripts = Scripts(redis_client)
    tasks = [new_task_id() for _ in range(3)]
    scripts.accept_all(tasks)
    assert len(scripts.queued()) < 3  # The messages that it has asked for are popped.
    if end == "cancel":  # Celery stops.
        listener.consumer.cancel()
        listener.connection.transport.cycle.on_poll_start()  # It asks for no more.
    else:  # Celery begins anew with another connection.
        listener.connection.close()

    assert listener.delivered == []
    assert scripts.queued() == [scripts.messages.message(task_id) for task_id in tasks]


def test_where_no_message_came_none_is_put_back(redis_client: redis.Redis, listener: Listener) -> None:
    listener.connection.close()
    assert Scripts(redis_client).queued() == []


def test_a_worker_stops_also_while_redis_is_away(stack: Servers, redis_client: redis.Redis) -> None:
    port = free_port()
    gone = RedisServer(stack.folder / f"gone-{port}", port)
    gone.start()
    listener = Listener(redis_client, gone.url)
    gone.kill()
    listener.connection.close()


@pytest.mark.slow
def test_workers_that_are_restarted_in_turn_under_load_lose_no_task(
    producer: Producer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    workers = [start_worker(isolated_env, **ROLLING) for _ in range(2)]
    with signups(producer, a_second=200) as accepted:
        for turn in range(6):
            assert workers[turn % 2].process.terminate(timeout=30)
            workers[turn % 2] = start_worker(isolated_env, **ROLLING)
    wait_until(lambda: producer.client.zcard(OPEN_KEY) == 0, timeout=60, what="all have their outcome")
    assert sends(producer, accepted) == {b"1"}
    assert not any("task_resent" in worker.log() for worker in workers)
