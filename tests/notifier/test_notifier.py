"""A notifier in a process of its own, with a real Redis and real receivers."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from standardwebhooks import Webhook

from local_stack.ports import free_port
from schemas.events import EventType
from schemas.protocol.webhook_keys import EndpointField, endpoint_key
from tests.notifier.process import ids, to
from tests.notifier.samples import SECRET
from tests.support.events import happen
from tests.support.receiver import Exchange, a_receiver, status, taken
from tests.support.records import Scripts
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Starter
    from tests.notifier.process import Notifying


def test_an_endpoint_gets_each_event_signed_and_once(notifying: Notifying) -> None:
    with a_receiver() as receiver:
        notifying.begin(to(receiver))
        happen(notifying.client, *[f"evt_{number}" for number in range(50)])
        wait_until(lambda: len(receiver.received) >= 50)
        wait_until(lambda: len(notifying.logged("event_delivered")) == 50)
    assert sorted(ids(receiver.received)) == sorted(f"evt_{number}" for number in range(50))
    request = receiver.received[0]
    event = Webhook(SECRET).verify(request.body, dict(request.headers))
    assert (event["type"], event["data"]) == ("customer.created", {"task": ids([request])[0][4:], "customer": "c"})
    assert event["timestamp"].endswith("Z")


def test_an_event_of_a_redis_whose_clock_is_ahead_is_delivered_at_once_and_never_before_it_happened(
    notifying: Notifying,
) -> None:
    with a_receiver() as receiver:
        running = notifying.begin(to(receiver), INTAKE_NOTIFIER_METRICS_PORT=str(port := free_port()))
        happen(notifying.client, "evt_1", at=time.time() + 3600)
        wait_until(lambda: notifying.logged("event_delivered"))
    assert [line["seconds"] for line in notifying.logged("event_delivered")] == [0]
    assert running.process.alive
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert 'intake_webhook_delay_seconds_sum{endpoint="crm"} 0.0' in metrics


def test_an_endpoint_gets_the_events_that_it_wants(notifying: Notifying) -> None:
    with a_receiver() as receiver, a_receiver() as every:
        notifying.begin(
            to(receiver, types=["customer.create.failed"], callers=["shop", "cäller"]), to(every, name="every")
        )
        happen(notifying.client, "evt_1")
        happen(notifying.client, "evt_2", type_=EventType.FAILED, caller="other")
        happen(notifying.client, "evt_3", type_=EventType.FAILED, caller="cäller")
        wait_until(lambda: len(every.received) == 3)
        wait_until(lambda: receiver.received)
    assert ids(receiver.received) == ["evt_3"]


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(status(500), id="500"),
        pytest.param(status(302, location="/elsewhere"), id="302"),
        pytest.param(status(429, retry_after="0"), id="429"),
        pytest.param(lambda exchange: exchange.reset(), id="reset"),
        pytest.param(lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), id="half"),
    ],
)
def test_an_event_that_was_not_taken_is_sent_again_under_the_same_id(
    notifying: Notifying, behave: Callable[[Exchange], None]
) -> None:
    with a_receiver(behave) as receiver:
        notifying.begin(to(receiver))
        happen(notifying.client, "evt_1")
        wait_until(lambda: len(receiver.received) >= 3)
        receiver.behave = taken
        wait_until(lambda: notifying.logged("event_delivered"))
    assert set(ids(receiver.received)) == {"evt_1"}
    assert len({request.body for request in receiver.received}) == 1
    (line,) = notifying.logged("event_delivered")
    assert (line["event_id"], line["endpoint"], line["tries"]) == ("evt_1", "crm", len(receiver.received))


def test_an_endpoint_that_never_answers_holds_up_no_other(notifying: Notifying) -> None:
    wanted = [f"evt_{number}" for number in range(100)]
    with a_receiver(lambda exchange: exchange.hang()) as silent, a_receiver() as receiver:
        notifying.begin(to(silent, name="silent"), to(receiver), INTAKE_WEBHOOKS_TIMEOUT_SECONDS="30")
        happen(notifying.client, *wanted)
        wait_until(lambda: len(receiver.received) == 100)
        assert sorted(ids(receiver.received)) == sorted(wanted)
        # As many are tried at a time as there may be connections, and no more.
        wait_until(lambda: len(silent.received) >= 8)
        assert len(silent.received) == silent.most_at_once == 8


def test_an_answer_that_would_take_minutes_to_read_holds_up_no_other_endpoint(notifying: Notifying) -> None:
    def hostile(exchange: Exchange) -> None:
        exchange.write(b"HTTP/1.1 200 OK\r\na:" + b" " * 90_000 + b"\0\r\n\r\n")

    with a_receiver(hostile) as slow, a_receiver() as receiver:
        notifying.begin(to(slow, name="slow"), to(receiver))
        happen(notifying.client, "evt_1")
        wait_until(lambda: notifying.logged("event_not_delivered"), what="the hostile answer is refused")
        happen(notifying.client, "evt_2")
        wait_until(lambda: len(receiver.received) == 2, what="the others are sent")
    assert {line["outcome"] for line in notifying.logged("event_not_delivered")} == {"broken_answer"}


def test_an_endpoint_that_wants_order_gets_it_through_failures(notifying: Notifying) -> None:
    failed: set[str] = set()

    def flaky(exchange: Exchange) -> None:
        event_id = exchange.request.headers["webhook-id"]
        if int(event_id[4:]) % 3 == 0 and event_id not in failed:
            failed.add(event_id)
            exchange.answer(500)
        else:
            taken(exchange)

    with a_receiver(flaky) as receiver:
        notifying.begin(to(receiver, order="strict"))
        happen(notifying.client, *[f"evt_{number}" for number in range(30)])
        wait_until(lambda: len(notifying.logged("event_delivered")) == 30)
    assert receiver.most_at_once == 1
    assert list(dict.fromkeys(ids(receiver.received))) == [f"evt_{number}" for number in range(30)]
    assert len(receiver.received) == 40


def test_an_endpoint_that_is_gone_is_off_until_an_operator_switches_it_on(notifying: Notifying) -> None:
    with a_receiver(status(410)) as receiver:
        notifying.begin(to(receiver))
        happen(notifying.client, "evt_1")
        wait_until(lambda: notifying.logged("endpoint_off"))
        happen(notifying.client, "evt_2")
        assert notifying.client.hget(endpoint_key("crm"), EndpointField.OFF_REASON) == b"gone"
        assert ids(receiver.received) == ["evt_1"]


def test_an_endpoint_that_did_nothing_but_fail_for_days_is_off(notifying: Notifying) -> None:
    with a_receiver(status(500)) as receiver:
        notifying.begin(to(receiver), INTAKE_WEBHOOKS_OFF_SECONDS="0.5")
        happen(notifying.client, "evt_1")
        wait_until(lambda: notifying.logged("endpoint_off"))
    assert notifying.client.hget(endpoint_key("crm"), EndpointField.OFF_REASON) == b"failing"


def test_an_event_is_given_up_after_its_time_and_the_next_one_is_sent(notifying: Notifying) -> None:
    def refuses_one(exchange: Exchange) -> None:
        exchange.answer(400 if exchange.request.headers["webhook-id"] == "evt_bad" else 200)

    with a_receiver(refuses_one) as receiver:
        notifying.begin(to(receiver, order="strict"), INTAKE_WEBHOOKS_GIVE_UP_SECONDS="0.5")
        happen(notifying.client, "evt_bad", "evt_good")
        wait_until(lambda: notifying.logged("event_delivered"))
    (line,) = notifying.logged("event_given_up")
    assert (line["event_id"], line["outcome"]) == ("evt_bad", "400")
    assert line["tries"] >= 3


def test_on_sighup_endpoints_come_go_and_change(notifying: Notifying) -> None:
    with a_receiver() as one, a_receiver() as two:
        notifying.begin(to(one, name="stays"), to(one, name="goes", path="/goes"), to(one, name="moves"))
        notifying.write(to(one, name="stays"), to(two, name="moves"), to(two, name="comes"))
        notifying.reread()
        notifying.until_known("comes")
        wait_until(lambda: notifying.logged("endpoints_read"))
        happen(notifying.client, "evt_1")
        wait_until(lambda: (len(one.received), len(two.received)) == (1, 2))
    assert one.received[0].path == "/hooks"


def test_a_file_with_a_fault_leaves_the_old_one_in_force(notifying: Notifying) -> None:
    with a_receiver() as receiver:
        notifying.begin(to(receiver))
        notifying.write({"name": "crm", "url": "https://canary-of-a-secret@a.b", "secrets": ["whsec_canary"]})
        notifying.reread()
        wait_until(lambda: notifying.logged("endpoints_file_faulty"))
        happen(notifying.client, "evt_1")
        wait_until(lambda: receiver.received)
    assert notifying.running is not None
    assert "canary" not in notifying.running.log()
    assert {line["fault"].partition(":")[0] for line in notifying.logged("endpoints_file_faulty")} == {
        "line 3",
        "line 4",
    }


@pytest.mark.parametrize("allowed", ["", "10.0.0.0/8"])
def test_a_local_receiver_is_not_reached_unless_the_settings_say_so(notifying: Notifying, allowed: str) -> None:
    with a_receiver() as receiver:
        notifying.begin(to(receiver), INTAKE_WEBHOOKS_ALLOWED_NETWORKS=allowed)
        happen(notifying.client, "evt_1")
        wait_until(lambda: len(notifying.logged("event_not_delivered")) >= 2)
    assert receiver.connections == 0
    assert {(line["outcome"], line["detail"]) for line in notifying.logged("event_not_delivered")} == {
        ("address_refused", "loopback")
    }


def test_a_second_notifier_stands_by_and_takes_over_when_the_first_one_stops(
    notifying: Notifying, start_notifier: Starter
) -> None:
    with a_receiver() as receiver:
        first = notifying.begin(to(receiver))
        second = start_notifier(first.environment)
        wait_until(lambda: "notifier_stands_by" in second.log())
        happen(notifying.client, "evt_1")
        wait_until(lambda: receiver.received)
        wait_until(
            lambda: _notifiers(notifying) == {(first.process.pid, True), (second.process.pid, False)},
            what="one says that it sends and one that it does not",
        )
        assert first.process.terminate()
        assert {pid for pid, _ in _notifiers(notifying)} == {second.process.pid}
        happen(notifying.client, "evt_2")
        wait_until(lambda: len(receiver.received) == 2)
    assert "event_delivered" in second.log()


def _notifiers(notifying: Notifying) -> set[tuple[int, bool]]:
    """The processes that say that they run, and whether each says that it sends."""
    told = [each.details for each in Scripts(notifying.client).overview().processes]
    return {(each.pid, each.taking) for each in told if each.kind == "notifier"}


def test_a_notifier_that_is_stopped_ends_its_tries_and_begins_no_other(notifying: Notifying) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(exchange: Exchange) -> None:
        begun.set()
        go_on.wait(10)
        taken(exchange)

    with a_receiver(slow) as receiver:
        running = notifying.begin(to(receiver, order="strict"))
        happen(notifying.client, "evt_1", "evt_2")
        assert begun.wait(10)
        running.process.ask_to_stop()
        go_on.set()
        assert running.process.wait(10)
        assert running.process.exit_code == 0
    assert ids(receiver.received) == ["evt_1"]
    assert len(notifying.logged("event_delivered")) == 1


def test_no_secret_of_an_endpoint_is_logged(notifying: Notifying) -> None:
    with a_receiver(status(500)) as receiver:
        running = notifying.begin(to(receiver, path="/path-canary?token=query-canary"))
        happen(notifying.client, "evt_1")
        wait_until(lambda: len(receiver.received) >= 2)
        running.process.terminate()
    for canary in (SECRET, SECRET[6:30], "path-canary", "query-canary"):
        assert canary not in running.log()
    assert json.loads(receiver.received[0].body)
