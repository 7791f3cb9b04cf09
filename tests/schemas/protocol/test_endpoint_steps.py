"""An endpoint as a whole: switched off and on, what it lacks, and what is left of it."""

from __future__ import annotations

import time

import pytest

from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.steps import delivering, eventing
from schemas.protocol.steps.delivering import (
    Ending,
    EndpointChange,
    OffReason,
    Refused,
)
from schemas.protocol.webhook_keys import NOTIFIER_KEY, EndpointField, endpoint_key, tries_key, waiting_key
from tests.schemas.protocol.notifying import HOUR, Notifying


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.GIVEN_UP])
def test_an_endpoint_that_is_gone_is_switched_off_and_keeps_what_it_lacks(notifying: Notifying, ending: Ending) -> None:
    notifying.happen(2)
    first, second = notifying.take()
    assert notifying.end(first, ending, gone=True) is EndpointChange.OFF
    assert notifying.end(second, Ending.FAILED, pause=HOUR) is EndpointChange.OFF
    assert notifying.state().off_reason == OffReason.GONE
    notifying.happen()
    assert notifying.ask() is Refused.OFF
    assert notifying.run(delivering.switch_endpoint("crm", off_reason=None)) is True
    assert len(notifying.take()) == (3 if ending is Ending.FAILED else 2)


def test_an_endpoint_that_does_nothing_but_fail_is_switched_off(notifying: Notifying) -> None:
    notifying.happen(3)
    first, second, third = notifying.take()
    assert notifying.end(first, Ending.FAILED, off=HOUR) is EndpointChange.ON
    # A success in between begins the time anew, and another bound finds it over at once.
    notifying.end(second)
    assert notifying.state().ago_seconds(EndpointField.FAILING_SINCE) is None
    assert notifying.end(third, Ending.FAILED, off=0) is EndpointChange.OFF
    assert notifying.state().off_reason == OffReason.FAILING


def test_what_is_no_event_holds_up_nothing(notifying: Notifying) -> None:
    notifying.client.xadd(EVENTS_KEY, {"id": "evt_0"})
    notifying.client.xadd(EVENTS_KEY, {"id": "evt_0", "type": "a", "at": "soon", "caller": "a", "data": "{}"})
    ids = notifying.happen(2)
    assert notifying.ids() == ids
    assert notifying.state().waiting == 2


def test_an_event_goes_on_being_tried_after_the_clock_was_set_back(notifying: Notifying) -> None:
    """What Redis wrote before lies ahead by then."""
    notifying.happen()
    (first,) = notifying.take()
    notifying.end(first, Ending.FAILED, pause=HOUR)
    assert notifying.take() == []
    year_ahead = int(time.time() * 1000) + 365 * 86_400_000
    notifying.client.zadd(waiting_key("crm"), {first.place: year_ahead})
    notifying.client.hset(tries_key("crm"), first.place, f"1 {year_ahead}")
    notifying.client.hset(endpoint_key("crm"), EndpointField.FAILING_SINCE, year_ahead)

    (again,) = notifying.take()

    assert (again.place, again.tries, again.since_first_seconds) == (first.place, 1, 0)
    assert notifying.end(again, Ending.FAILED, off=HOUR) is EndpointChange.ON
    assert notifying.state().ago_seconds(EndpointField.FAILING_SINCE) == pytest.approx(0, abs=60)
    assert notifying.state().now_milliseconds >= int(notifying.state().fields[EndpointField.FAILING_SINCE])
    (third,) = notifying.take()
    assert third.tries == 2


def test_an_operator_switches_an_endpoint_off_and_on(notifying: Notifying) -> None:
    notifying.happen(1)
    off = delivering.switch_endpoint("crm", off_reason=OffReason.OPERATOR)
    on = delivering.switch_endpoint("crm", off_reason=None)
    assert [notifying.run(call) for call in (on, off, off)] == [False, True, False]
    assert notifying.ask() is Refused.OFF
    assert notifying.run(on) is True
    assert len(notifying.take()) == 1
    assert notifying.run(delivering.switch_endpoint("other", off_reason=None)) is None


def test_an_operator_lets_all_that_waits_be_tried_at_once(notifying: Notifying) -> None:
    ids = notifying.happen(3)
    first, second, _ = notifying.take()
    notifying.end(first, Ending.FAILED, pause=HOUR)
    notifying.end(second, Ending.FAILED, pause=HOUR)
    assert notifying.run(delivering.retry_events("crm")) == 2
    # The third one is being tried already.
    assert notifying.ids() == ids[:2]
    assert notifying.run(delivering.retry_events("other")) is None


def test_what_an_endpoint_needs_is_not_trimmed_and_what_is_missing_all_the_same_is_counted(
    notifying: Notifying,
) -> None:
    ids = notifying.happen(4)
    first, second, *_ = notifying.take()
    notifying.end(first)
    notifying.end(second, Ending.FAILED)
    trim = eventing.trim_events(kept_seconds=-60, unread_seconds=60, most=9)
    assert notifying.run(trim).removed == 1
    notifying.client.xdel(EVENTS_KEY, second.place)
    assert notifying.ids() == []
    notifying.client.delete(NOTIFIER_KEY)
    notifying.holder = "two"
    notifying.lease()
    assert notifying.ids() == ids[2:]
    assert notifying.state().count(EndpointField.MISSING) == 1


def test_a_stream_that_was_lost_is_read_from_its_new_beginning(notifying: Notifying) -> None:
    notifying.happen(2)
    notifying.take()
    notifying.client.delete(EVENTS_KEY)
    ids = notifying.happen(2)
    assert notifying.ids() == ids


def test_the_age_of_what_an_endpoint_lacks_is_that_of_the_oldest_event(notifying: Notifying) -> None:
    notifying.client.xadd(EVENTS_KEY, {"id": "evt_1", "type": "a", "at": 1, "caller": "a", "data": "{}"})
    assert notifying.state().oldest_seconds == pytest.approx(0, abs=60)
    assert notifying.state().waiting == 0
    notifying.take()
    assert notifying.state().oldest_seconds == pytest.approx(0, abs=60)
    assert notifying.run(delivering.read_endpoint("other")) is None


def test_every_field_of_an_endpoint_is_read(notifying: Notifying) -> None:
    notifying.client.hset(endpoint_key("crm"), mapping=dict.fromkeys(EndpointField, "1"))
    assert set(notifying.state().fields) == set(EndpointField)


def test_nothing_is_left_of_an_endpoint_that_is_forgotten(notifying: Notifying) -> None:
    notifying.happen(2)
    first, _ = notifying.take()
    notifying.end(first, Ending.FAILED)
    assert notifying.run(delivering.forget_endpoint("crm")) is True
    assert {*notifying.client.scan_iter()} == {EVENTS_KEY.encode(), NOTIFIER_KEY.encode()}
    assert notifying.client.xinfo_groups(EVENTS_KEY) == []
    assert notifying.end(first) is EndpointChange.ON
    assert notifying.run(delivering.forget_endpoint("crm")) is False
    assert notifying.run(delivering.read_endpoint("crm")) is None
