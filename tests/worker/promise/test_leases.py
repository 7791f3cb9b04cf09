"""The leases of tasks are renewed while a worker holds them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from schemas.ids import new_task_id
from schemas.protocol.keys import HELD_KEY
from schemas.protocol.steps.working import Delivery
from tests.support.records import Scripts
from worker.promise.leases import Leases

if TYPE_CHECKING:
    import redis


LEASE_SECONDS = 30.0


def accept(client: redis.Redis) -> str:
    task_id = new_task_id()
    Scripts(client).accept(task_id)
    return task_id


def test_the_leases_of_all_tasks_that_a_worker_holds_are_renewed(redis_client: redis.Redis) -> None:
    mine, others = accept(redis_client), accept(redis_client)
    leases = Leases(redis_client, lease_seconds=LEASE_SECONDS)
    redis_client.zadd(HELD_KEY, {mine: 1.0, others: 1.0})
    before = time.time()
    with leases.holding([Delivery(mine, "d1")]):
        assert leases.renew() == 1
    ends = redis_client.zscore(HELD_KEY, mine)
    assert isinstance(ends, float)
    assert before - 1 <= ends / 1000 - LEASE_SECONDS <= time.time() + 1
    assert redis_client.zscore(HELD_KEY, others) == 1.0


def test_a_task_that_was_taken_since_the_last_renewal_is_part_of_the_next_one(redis_client: redis.Redis) -> None:
    first, second = accept(redis_client), accept(redis_client)
    leases = Leases(redis_client, lease_seconds=LEASE_SECONDS)
    leases.hold(Delivery(first, "d1"))
    assert leases.renew_new() == 1
    leases.hold(Delivery(second, "d2"))
    leases.hold(Delivery(new_task_id(), "d3"))
    leases.let_go(Delivery("", "d3"))
    ends = redis_client.zscore(HELD_KEY, first)
    assert leases.renew_new() == 1
    assert redis_client.zscore(HELD_KEY, first) == ends
    assert redis_client.zscore(HELD_KEY, second) is not None
    assert leases.renew_new() == 0
    assert leases.count() == leases.renew() == 2


def test_two_deliveries_of_one_task_are_held_until_both_have_ended(redis_client: redis.Redis) -> None:
    leases = Leases(redis_client, lease_seconds=LEASE_SECONDS)
    task_id = accept(redis_client)
    with leases.holding([Delivery(task_id, "d1")]):
        with leases.holding([Delivery(task_id, "d2")]):
            assert leases.renew() == 2
        assert leases.renew() == 1
    assert leases.renew() == 0


def test_a_worker_that_holds_nothing_asks_redis_for_nothing(redis_client: redis.Redis) -> None:
    leases = Leases(redis_client, lease_seconds=LEASE_SECONDS)
    with leases.holding([Delivery(new_task_id(), "d1")]):
        pass
    assert leases.renew() == 0
    assert redis_client.dbsize() == 0
