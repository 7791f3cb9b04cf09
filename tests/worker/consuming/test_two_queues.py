"""A worker takes signups first, many at a time. It takes a chunk of a batch when no signup waits."""

from __future__ import annotations

from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection, Consumer

from schemas.ids import new_task_id
from schemas.protocol.lanes import CHUNKS, LANES, SIGNUPS, Lane
from schemas.protocol.message import MessageTemplate, queue
from tests.support.batches import Batches
from tests.support.records import Scripts
from tests.support.waiting import wait_until
from worker.consuming.transport import Channel, Transport
from worker.promise.records import RedisRecords

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import redis
    from kombu import Message


class Taker:
    """A consumer of both queues that asks when the test says so."""

    def __init__(self, client: redis.Redis, url: str) -> None:
        self.client = client
        self.room = 2
        self.taken: list[str] = []
        self.not_taken: list[str] = []
        self.batches = Batches(client)
        self.batch_id = self.batches.open()
        records = RedisRecords(
            client, MessageTemplate(), result_ttl_seconds=60, lease_seconds=60, unreadable_wait_seconds=60
        )
        told = {
            "put_back": staticmethod(records.put_back_messages),
            "room_for_chunks": staticmethod(lambda: self.room),
            "not_taken": staticmethod(self.not_taken.append),
        }
        self.connection = Connection(
            url,
            transport=type("Transport", (Transport,), {"Channel": type("Channel", (Channel,), told)}),
            transport_options={"ack_emulation": False, "priority_steps": [0], "socket_timeout": 5},
        )
        self.consumer = Consumer(self.connection, queues=[queue(lane) for lane in LANES], on_message=self._take)
        self.consumer.consume()

    def signups(self, count: int) -> list[str]:
        """Accept signups. Returns their ids."""
        task_ids = [new_task_id() for _ in range(count)]
        Scripts(self.client).accept_all(task_ids)
        return task_ids

    def chunks(self, count: int) -> list[str]:
        """Accept chunks. Returns their ids."""
        task_ids = [new_task_id() for _ in range(count)]
        for task_id in task_ids:
            self.batches.accept(self.batch_id, task_id)
        return task_ids

    def ask(self) -> int:
        """Ask Redis once. Returns how many messages came."""
        before = len(self.taken)
        cycle: Any = self.connection.transport.cycle
        channel: Any = self.consumer.channel
        cycle.on_poll_start()
        try:
            channel._brpop_read()  # noqa: SLF001 - one call, as kombu's loop makes it
        except Empty:
            return 0
        return len(self.taken) - before

    def waiting(self, lane: Lane) -> list[bytes]:
        """The messages in a queue, the next one first."""
        messages: Any = self.client.lrange(lane.queue, 0, -1)
        return list(reversed(messages))

    def _take(self, message: Message) -> None:
        self.taken.append(message.headers["id"])
        self.room -= message.headers["task"] == CHUNKS.task_name


@pytest.fixture
def taker(redis_client: redis.Redis, isolated_env: Mapping[str, str]) -> Iterator[Taker]:
    taker = Taker(redis_client, isolated_env["INTAKE_REDIS_URL"])
    yield taker
    taker.connection.close()


def test_signups_are_taken_before_chunks_that_came_earlier(taker: Taker) -> None:
    chunks = taker.chunks(2)
    signups = taker.signups(20)
    while len(taker.taken) < 22:
        taker.ask()
    assert taker.taken == signups + chunks


def test_after_a_signup_further_ones_are_taken_many_at_a_time(taker: Taker) -> None:
    taker.chunks(1)
    taker.signups(11)
    assert [taker.ask() for _ in range(4)] == [1, 8, 2, 1]


def test_chunks_are_taken_one_at_a_time_and_no_more_than_there_is_room_for(taker: Taker) -> None:
    chunks = taker.chunks(3)
    assert [taker.ask() for _ in range(3)] == [1, 1, 0]
    signups = taker.signups(9)
    assert [taker.ask() for _ in range(3)] == [8, 1, 0]
    taker.room = 1
    assert taker.ask() == 1
    assert taker.taken == [*chunks[:2], *signups, chunks[2]]


def test_a_signup_that_comes_while_both_queues_are_asked_is_taken_at_once(taker: Taker) -> None:
    taker.connection.transport.cycle.on_poll_start()
    (signup,) = taker.signups(1)
    taker.ask()
    assert taker.taken == [signup]


@pytest.mark.parametrize("lane", LANES, ids=["signups", "chunks"])
def test_a_message_without_a_consumer_is_put_back_at_the_head_of_its_own_queue(taker: Taker, lane: Lane) -> None:
    waiting = taker.chunks(2) if lane is CHUNKS else taker.signups(2)
    cycle: Any = taker.connection.transport.cycle
    cycle.on_poll_start()
    # The call is sent and its reply is not read, so nothing here tells when Redis has carried it out.
    wait_until(lambda: len(taker.waiting(lane)) == 1, what="Redis has handed a message out")
    taker.consumer.cancel()
    messages = MessageTemplate(lane)
    assert taker.waiting(lane) == [messages.message(task_id) for task_id in waiting]
    assert [taker.waiting(each) for each in LANES if each is not lane] == [[]]
    assert taker.taken == []


def test_a_message_in_the_other_lanes_queue_is_not_taken(taker: Taker) -> None:
    taker.client.lpush(CHUNKS.queue, MessageTemplate(SIGNUPS).message(new_task_id()))
    taker.client.lpush(SIGNUPS.queue, MessageTemplate(CHUNKS).message(new_task_id()))
    while len(taker.not_taken) < 2:
        taker.ask()
    assert (taker.not_taken, taker.taken) == (["other_task"] * 2, [])
