"""What an endpoint is handed out, what becomes of it, and what is kept when the notifier dies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.events import EventType
from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.steps import delivering
from schemas.protocol.steps.delivering import (
    Ending,
    EndpointChange,
    Refused,
    TakenEvents,
)
from schemas.protocol.webhook_keys import NOTIFIER_KEY, EndpointField, group_of, waiting_key
from tests.schemas.protocol.notifying import HOUR, Notifying

if TYPE_CHECKING:
    import redis


def test_one_notifier_sends_at_a_time_until_it_leaves(redis_client: redis.Redis) -> None:
    one, two = Notifying(redis_client), Notifying(redis_client, holder="two")
    assert one.ask() is Refused.LOST
    assert (one.lease(), two.lease(), one.lease()) == (True, False, True)
    assert two.ask() is Refused.LOST
    assert two.run(delivering.leave_notifier("two")) is False
    assert one.run(delivering.leave_notifier("one")) is True
    assert two.lease()


def test_a_notifier_that_begins_anew_need_not_wait_for_its_own_lease(notifying: Notifying) -> None:
    (event_id,) = notifying.happen()
    notifying.take()
    anew = delivering.lease_notifier("anew", previous=notifying.holder, lease_seconds=60)
    assert notifying.run(anew)
    notifying.holder = "anew"
    assert notifying.ids() == [event_id]


def test_a_lease_from_before_the_clock_was_set_back_ends_all_the_same(redis_client: redis.Redis) -> None:
    assert Notifying(redis_client).lease(seconds=86_400)
    assert not Notifying(redis_client, holder="two").lease(seconds=60)
    assert redis_client.ttl(NOTIFIER_KEY) <= 60


def test_an_endpoint_is_sent_what_happens_after_it_became_known(redis_client: redis.Redis) -> None:
    one = Notifying(redis_client)
    one.lease()
    one.happen(3)
    assert one.ids() == []
    later = one.happen(2)
    assert one.ids() == later
    assert one.ids() == []


def test_an_event_that_was_delivered_is_not_handed_out_again(notifying: Notifying) -> None:
    notifying.happen()
    (taken,) = notifying.take()
    assert (taken.event.type, taken.event.at_milliseconds, taken.event.data) == (
        "customer.created",
        1_700_000_000_000,
        b"{}",
    )
    assert (taken.tries, taken.since_first_seconds) == (0, 0)
    assert notifying.end(taken) is EndpointChange.ON
    notifying.holder = "two"
    notifying.client.delete(NOTIFIER_KEY)
    notifying.lease()
    assert notifying.ids() == []
    assert (notifying.state().waiting, notifying.state().oldest_seconds) == (0, None)
    assert notifying.state().count(EndpointField.DELIVERED) == 1


def test_an_event_that_failed_is_handed_out_again_when_its_pause_is_over(notifying: Notifying) -> None:
    notifying.happen(2)
    first, second = notifying.take()
    notifying.end(first, Ending.FAILED, pause=HOUR)
    reply = notifying.ask()
    assert isinstance(reply, TakenEvents)
    assert not reply.events
    assert reply.next_seconds == pytest.approx(HOUR, abs=5)
    notifying.end(second, Ending.FAILED)
    (again,) = notifying.take()
    assert (again.event.id, again.tries) == (second.event.id, 1)
    assert again.since_first_seconds >= 0.1
    notifying.end(again, Ending.FAILED)
    assert [taken.tries for taken in notifying.take()] == [2]


def test_an_event_that_was_given_up_is_not_tried_again_and_stays_in_the_stream(notifying: Notifying) -> None:
    notifying.happen()
    (taken,) = notifying.take()
    notifying.end(taken, Ending.GIVEN_UP)
    assert notifying.ids() == []
    assert (notifying.state().waiting, notifying.state().count(EndpointField.GIVEN_UP)) == (0, 1)
    assert notifying.client.xlen(EVENTS_KEY) == 1


def test_another_notifier_gets_at_once_what_a_dead_one_was_trying(notifying: Notifying) -> None:
    ids = notifying.happen(3)
    first, second, _ = notifying.take()
    notifying.end(first)
    notifying.client.delete(NOTIFIER_KEY)
    two = Notifying(notifying.client, holder="two")
    two.lease()
    assert two.ids() == ids[1:]
    # What the dead one had delivered counts, if it is not quite dead. Its failures do not.
    assert notifying.end(second) is EndpointChange.LOST
    assert two.state().waiting == 1
    assert notifying.ask() is Refused.LOST


def test_no_more_events_wait_than_the_bound_and_the_stream_keeps_the_others(notifying: Notifying) -> None:
    ids = notifying.happen(10)
    taken = notifying.take(most=10, most_waiting=4)
    assert [each.event.id for each in taken] == ids[:4]
    for each in taken:
        notifying.end(each, Ending.FAILED, pause=HOUR)
    assert notifying.ids(most_waiting=4) == []
    notifying.end(taken[0])
    assert notifying.ids(most_waiting=4) == ids[4:5]


def test_with_a_bound_of_one_an_event_that_fails_holds_up_those_behind_it(notifying: Notifying) -> None:
    ids = notifying.happen(3)
    (first,) = notifying.take(most=1, most_waiting=1)
    assert notifying.take(most=1, most_waiting=1) == []
    notifying.end(first, Ending.FAILED)
    (again,) = notifying.take(most=1, most_waiting=1)
    assert again.event.id == ids[0]
    notifying.end(again)
    assert notifying.ids(most=1, most_waiting=1) == ids[1:2]


def test_an_endpoint_gets_the_types_and_callers_that_it_wants_and_needs_no_others(redis_client: redis.Redis) -> None:
    some = Notifying(redis_client, types={EventType.CREATED, EventType.PARKED}, callers={"shop", "cäller"})
    some.lease()
    some.take()
    wanted = some.happen(1) + some.happen(1, type_=EventType.PARKED, caller="cäller")
    some.happen(3, type_=EventType.FAILED)
    some.happen(3, caller="other")
    some.happen(3, type_=EventType.BATCH_COMPLETED)
    assert some.ids() == wanted
    assert some.state().waiting == 2
    places: Any = redis_client.zrange(waiting_key("crm"), 0, -1)
    redis_client.xack(EVENTS_KEY, group_of("crm"), *places)
    assert some.state().oldest_seconds is None


def test_many_events_that_nobody_wants_are_passed_over_in_short_calls(redis_client: redis.Redis) -> None:
    some = Notifying(redis_client, types={EventType.PARKED})
    some.lease()
    some.take()
    some.happen(1200)
    wanted = some.happen(1, type_=EventType.PARKED)
    calls = 0
    while True:
        reply = some.ask()
        assert isinstance(reply, TakenEvents)
        calls += 1
        if not reply.has_more:
            break
    assert [taken.event.id for taken in reply.events] == wanted
    assert calls == 3
