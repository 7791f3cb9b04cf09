"""What an endpoint is handed out, what becomes of it, and what is kept when the notifier dies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from schemas.events import EventType
from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.steps import delivering, eventing
from schemas.protocol.steps.delivering import (
    Ending,
    EndpointChange,
    EndpointState,
    OffReason,
    Refused,
    TakenEvent,
    TakenEvents,
    Tried,
)
from schemas.protocol.webhook_keys import NOTIFIER_KEY, EndpointField, endpoint_key, group_of, tries_key, waiting_key
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Collection

    import redis

HOUR = 3600.0


@dataclass
class Notifying:
    """The steps of a notifier that sends to one endpoint."""

    client: redis.Redis
    holder: str = "one"
    endpoint: str = "crm"
    types: Collection[str] | None = None
    callers: Collection[str] | None = None
    count: int = 0

    def run(self, call: Any) -> Any:
        return Scripts(self.client).run(call)

    def lease(self, *, seconds: float = 60) -> bool:
        return bool(self.run(delivering.lease_notifier(self.holder, lease_seconds=seconds)))

    def happen(self, count: int = 1, *, type_: str = EventType.CREATED, caller: str = "shop") -> list[str]:
        ids = []
        for _ in range(count):
            self.count += 1
            ids.append(f"evt_{self.count}")
            fields: dict[Any, Any] = {
                "id": ids[-1],
                "type": type_,
                "at": 1_700_000_000_000,
                "caller": caller,
                "data": "{}",
            }
            self.client.xadd(EVENTS_KEY, fields)
        return ids

    def ask(self, *, most: int = 10, most_waiting: int = 100) -> TakenEvents | Refused:
        reply: TakenEvents | Refused = self.run(
            delivering.take_events(
                self.holder,
                self.endpoint,
                most=most,
                most_waiting=most_waiting,
                longest_seconds=2 * HOUR,
                types=self.types,
                callers=self.callers,
            )
        )
        return reply

    def take(self, *, most: int = 10, most_waiting: int = 100) -> list[TakenEvent]:
        reply = self.ask(most=most, most_waiting=most_waiting)
        assert isinstance(reply, TakenEvents)
        return list(reply.events)

    def ids(self, *, most: int = 10, most_waiting: int = 100) -> list[str]:
        return [taken.event.id for taken in self.take(most=most, most_waiting=most_waiting)]

    def end(
        self,
        taken: TakenEvent,
        ending: Ending = Ending.DELIVERED,
        *,
        pause: float = 0,
        gone: bool = False,
        off: float = HOUR,
    ) -> EndpointChange:
        tried = Tried(place=taken.place, ending=ending, outcome="x", pause_seconds=pause, try_seconds=0.1, is_gone=gone)
        reply: EndpointChange = self.run(delivering.end_try(self.holder, self.endpoint, tried, off_seconds=off))
        return reply

    def state(self) -> EndpointState:
        state = self.run(delivering.read_endpoint(self.endpoint))
        assert isinstance(state, EndpointState)
        return state


@pytest.fixture
def notifying(redis_client: redis.Redis) -> Notifying:
    """It sends, and the endpoint is known."""
    one = Notifying(redis_client)
    assert one.lease()
    assert one.take() == []
    return one


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
