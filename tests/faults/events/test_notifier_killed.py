"""The notifier is killed again and again under load, and Redis too. Each event is received at least once."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.events.outcomes import Outcomes
from tests.notifier.process import Notifying, to
from tests.support.receiver import Exchange, Receiver, a_receiver, taken
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.faults.events.conftest import OwnRedis

QUICK_LEASE: Final = {"INTAKE_WEBHOOKS_TIMEOUT_SECONDS": "0.5"}
"""A lease that ends soon after its notifier was killed."""

_PAUSE: Final = threading.Event()


@pytest.mark.parametrize("kills", [pytest.param(3, id="short"), pytest.param(50, id="long", marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_a_notifier_that_is_killed_again_and_again_loses_nothing_and_keeps_the_order(
    notifying: Notifying, kills: int
) -> None:
    dice = random.Random(15)

    def slow(exchange: Exchange) -> None:
        exchange.receiver.ended.wait(dice.uniform(0, 0.01))
        taken(exchange)

    with a_receiver(slow) as receiver, a_receiver(slow) as strict:
        running = notifying.begin(to(receiver), to(strict, name="strict", order="strict"), **QUICK_LEASE)
        with Outcomes(notifying.client, every_seconds=0.05).happening() as outcomes:
            for _ in range(kills):
                _until_more_came(strict, 1)
                _PAUSE.wait(dice.uniform(0, 0.3))
                running.process.kill()
                running.process.start()
        for each in (receiver, strict):
            outcomes.all_came(each)
            outcomes.had_one_body_each(each)
        outcomes.came_in_order(strict)
    assert len(outcomes.happened) > 5 * kills


@pytest.mark.slow
def test_a_redis_that_restarts_under_load_loses_no_event_and_delays_none_for_long(
    notifying: Notifying, own_redis: OwnRedis
) -> None:
    with a_receiver() as receiver, a_receiver() as strict:
        notifying.begin(to(receiver), to(strict, name="strict", order="strict"), INTAKE_WEBHOOKS_TIMEOUT_SECONDS="3")
        with Outcomes(notifying.client, every_seconds=0.01).happening() as outcomes:
            for _ in range(3):
                _until_more_came(strict, 20)
                own_redis.server.kill()
                _PAUSE.wait(0.5)
                own_redis.server.start()
        for each in (receiver, strict):
            outcomes.all_came(each)
            outcomes.had_one_body_each(each)
    # An event that was appended twice, since its first confirmation was lost, comes twice in the stream too.
    assert set(outcomes.happened) == {each.headers["webhook-id"] for each in strict.received}


def _until_more_came(receiver: Receiver, count: int) -> None:
    enough = len(receiver.received) + count
    wait_until(lambda: len(receiver.received) >= enough, timeout=60, what="events come")
