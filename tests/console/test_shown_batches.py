"""Batches that run, as operators see them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import redis

from console.service.live import MOST_BATCHES
from schemas.protocol.batch_keys import BATCHES_KEY
from tests.support.batches import Batches

if TYPE_CHECKING:
    from tests.conftest import Environment
    from tests.console.client import Console


def test_a_batch_keeps_its_place_whatever_redis_does_with_it_next(operator: Console, module_env: Environment) -> None:
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        client.delete(BATCHES_KEY)
        opened = [Batches(client).open() for _ in range(3)]
        accepted = {each["id"]: each["accepted_at"] for each in _new_look(operator)["batches"]}
        assert set(accepted) == set(opened)
        first = sorted(opened, key=lambda each: (accepted[each], each))
        # As where a worker has looked at it: it is due again behind the others.
        client.zadd(BATCHES_KEY, {first[0]: 2 * client.zscore(BATCHES_KEY, first[0])})
        assert [each["id"] for each in _new_look(operator)["batches"]] == first


def test_batches_that_find_no_place_are_counted(operator: Console, module_env: Environment) -> None:
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        client.delete(BATCHES_KEY)
        for _ in range(MOST_BATCHES):
            Batches(client).open()
        assert _new_look(operator)["more_batches"] == 0
        for _ in range(3):
            Batches(client).open()
        look = _new_look(operator)
        assert (len(look["batches"]), look["more_batches"]) == (MOST_BATCHES, 3)


def _new_look(operator: Console) -> dict[str, Any]:
    """The next look but one: the first may be older than what the test has done."""
    with operator.events() as events:
        looks = (content for name, content in events if name == "look")
        look: dict[str, Any] = list(islice(looks, 2))[-1]
        return look
