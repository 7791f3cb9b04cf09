"""A notifier stands still for longer than its lease, and then goes on as if nothing had happened."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.events.outcomes import Outcomes
from tests.notifier.process import QUICK, Notifying, ids, to
from tests.support.receiver import Exchange, a_receiver, taken
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Running, Starter

pytestmark = pytest.mark.slow

QUICK_LEASE: Final = {"INTAKE_WEBHOOKS_TIMEOUT_SECONDS": "0.5"}
"""A lease that ends soon after its notifier stood still."""

_PAUSE: Final = threading.Event()


def _count(running: Running, event: str) -> int:
    return running.log().count(f'"event": "{event}"')


def test_two_notifiers_that_stand_still_in_turn_lose_nothing_and_keep_the_order_of_what_is_new(
    notifying: Notifying, start_notifier: Starter
) -> None:
    """What a frozen notifier was sending may come once more, after later events. Its id tells."""

    def slow(exchange: Exchange) -> None:
        exchange.receiver.ended.wait(0.01)
        taken(exchange)

    with a_receiver(slow) as receiver, a_receiver(slow) as strict:
        first = notifying.begin(to(receiver), to(strict, name="strict", order="strict"), **QUICK_LEASE)
        second = start_notifier(first.environment)
        with Outcomes(notifying.client, every_seconds=0.02).happening() as outcomes:
            sends, stands_by = first, second
            for _ in range(4):
                _until_more_came(strict.received, 5)
                before = _count(stands_by, "notifier_sends")
                sends.process.pause()
                wait_until(lambda: _count(stands_by, "notifier_sends") > before, timeout=60, what="the other one sends")  # noqa: B023 - it is called at once
                _until_more_came(strict.received, 5)
                sends.process.resume()
                _until_more_came(strict.received, 5)
                sends, stands_by = stands_by, sends
        for each in (receiver, strict):
            outcomes.all_came(each)
            outcomes.had_one_body_each(each)
    assert list(dict.fromkeys(ids(strict.received))) == outcomes.happened


def test_two_notifiers_at_once_send_each_event_once(notifying: Notifying, start_notifier: Starter) -> None:
    with a_receiver() as receiver, a_receiver() as strict:
        notifying.write(to(receiver), to(strict, name="strict", order="strict"))
        environment = {**notifying.environment, **QUICK, "INTAKE_WEBHOOKS_FILE": str(notifying.file)}
        # No try is given up because the machine is busy.
        several = [start_notifier(environment, INTAKE_WEBHOOKS_TIMEOUT_SECONDS="30") for _ in range(3)]
        for name in ("crm", "strict"):
            notifying.until_known(name)
        with Outcomes(notifying.client, every_seconds=0.005).happening() as outcomes:
            _until_more_came(strict.received, 200)
        outcomes.all_came(receiver)
        outcomes.all_came(strict)
    assert sorted(ids(receiver.received)) == sorted(outcomes.happened)
    assert ids(strict.received) == outcomes.happened
    assert sum(_count(each, "notifier_sends") for each in several) == 1


def _until_more_came(received: Sequence[object], count: int) -> None:
    enough = len(received) + count
    wait_until(lambda: len(received) >= enough, timeout=60, what="events come")
