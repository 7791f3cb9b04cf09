"""The steps of the protocol, each one atomic, in a real Redis."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from schemas import outcome as outcomes
from schemas.ids import new_task_id
from schemas.protocol.keys import HELD_KEY, OPEN_KEY, QUEUE, RESENT_KEY, State, rate_key, record_key, result_key
from schemas.protocol.message import celery_routing
from schemas.protocol.steps.accepting import Accepted, Found, KeyReused, Late, QueueFull, RateLimited
from schemas.protocol.steps.working import NotStarted
from tests.support.records import DAY_MILLISECONDS, Scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import redis

    from schemas.protocol.steps.accepting import AcceptReply

ACCEPTED = Accepted(State.PENDING, known=False)
KNOWN = Accepted(State.PENDING, known=True)


@pytest.fixture
def scripts(redis_client: redis.Redis) -> Scripts:
    return Scripts(redis_client)


@pytest.fixture
def task_id() -> str:
    return new_task_id()


@pytest.fixture
def accepted(scripts: Scripts, task_id: str) -> str:
    scripts.accept(task_id)
    return task_id


# ACCEPT


def test_accepting_writes_the_record_the_open_task_and_the_message_together(scripts: Scripts, task_id: str) -> None:
    assert scripts.accept(task_id, fingerprint="fp", sealed=b"\x00\xff", caller="me") == ACCEPTED
    record = scripts.record(task_id)
    assert scripts.client.hget(record_key(task_id), "sealed") == b"\x00\xff"
    assert (record["fingerprint"], record["caller"], record["state"]) == ("fp", "me", "PENDING")
    assert (record["sends"], record["starts"]) == ("1", "0")
    assert record["accepted_at"] == record["sent_at"]
    assert scripts.open_ids() == {task_id}
    assert scripts.queued() == [scripts.messages.message(task_id)]


def test_an_open_task_never_expires(scripts: Scripts, accepted: str) -> None:
    assert scripts.client.ttl(record_key(accepted)) == -1
    assert scripts.client.ttl(OPEN_KEY) == -1


def test_accepting_the_same_request_again_changes_nothing_and_tells_how_far_the_task_is(
    scripts: Scripts, accepted: str
) -> None:
    scripts.start(accepted)
    before = scripts.record(accepted)
    assert scripts.accept(accepted, sealed=b"sealed anew") == Accepted(State.STARTED, known=True)
    assert scripts.record(accepted) == before
    assert len(scripts.queued()) == 1


def test_a_repeat_after_the_outcome_makes_no_second_task(scripts: Scripts, accepted: str) -> None:
    scripts.finish(accepted)
    assert scripts.accept(accepted) == Accepted(State.SUCCESS, known=True)
    assert scripts.open_ids() == set()
    assert len(scripts.queued()) == 1


def test_another_request_under_a_used_id_is_refused(scripts: Scripts, accepted: str) -> None:
    before = scripts.record(accepted)
    assert scripts.accept(accepted, fingerprint="another") == KeyReused()
    assert scripts.record(accepted) == before
    assert len(scripts.queued()) == 1


def test_over_the_most_open_tasks_nothing_is_written(scripts: Scripts, task_id: str) -> None:
    assert scripts.accept(new_task_id(), most_open=2) == ACCEPTED
    assert scripts.accept(new_task_id(), most_open=2) == ACCEPTED
    assert scripts.accept(task_id, most_open=2) == QueueFull()
    assert scripts.record(task_id) == {}
    assert len(scripts.queued()) == 2


def test_a_repeat_is_answered_also_when_the_queue_is_full(scripts: Scripts, accepted: str) -> None:
    assert scripts.accept(accepted, most_open=1) == KNOWN


def test_a_task_that_ends_makes_room_for_another(scripts: Scripts, accepted: str, task_id: str) -> None:
    del task_id
    other = new_task_id()
    assert scripts.accept(other, most_open=1) == QueueFull()
    scripts.finish(accepted)
    assert scripts.accept(other, most_open=1) == ACCEPTED


def test_a_caller_over_its_rate_is_told_how_long_to_wait_and_nothing_is_written(scripts: Scripts) -> None:
    def accept(task_id: str) -> AcceptReply:
        return scripts.accept(task_id, rate_per_second=1 / 60, rate_burst=3)

    assert [accept(new_task_id()) for _ in range(3)] == [ACCEPTED] * 3
    refused = new_task_id()
    reply = accept(refused)
    assert isinstance(reply, RateLimited)
    assert 55 < reply.retry_after_seconds <= 60
    assert scripts.record(refused) == {}
    assert len(scripts.open_ids()) == len(scripts.queued()) == 3


def test_being_refused_does_not_make_the_wait_longer(scripts: Scripts) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1 / 60, "rate_burst": 1}
    scripts.accept(new_task_id(), **rate)
    replies = [scripts.accept(new_task_id(), **rate) for _ in range(5)]
    waits = [each.retry_after_seconds for each in replies if isinstance(each, RateLimited)]
    assert len(waits) == 5
    assert waits == sorted(waits, reverse=True)


def test_a_call_that_comes_late_changes_nothing_and_a_repeat_of_one_that_came_in_time_is_known(
    scripts: Scripts, accepted: str
) -> None:
    """The shim has answered 503 by then; what it accepted before it may still tell."""
    assert scripts.accept(accepted, latest_milliseconds=1) == KNOWN
    before = scripts.client.keys()
    late = new_task_id()
    assert scripts.accept(late, latest_milliseconds=1, rate_per_second=1000, rate_burst=1) == Late()
    assert scripts.client.keys() == before
    assert scripts.accept(late, latest_milliseconds=10**14) == ACCEPTED


def test_a_debt_from_a_clock_that_was_set_back_is_cut_to_the_burst(scripts: Scripts) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1, "rate_burst": 60}
    scripts.client.set(rate_key("me"), 10**15, px=3_600_000)
    assert scripts.accept(new_task_id(), **rate) == RateLimited(1)
    # It is cut in Redis as well, or the next call would find it again.
    assert int(scripts.client.pttl(rate_key("me"))) <= 60_000
    assert float(scripts.client.get(rate_key("me"))) < 10**14  # type: ignore[arg-type]


def test_a_rate_is_paid_for_by_time(scripts: Scripts) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1 / 60, "rate_burst": 1}
    scripts.accept(new_task_id(), **rate)
    assert isinstance(scripts.accept(new_task_id(), **rate), RateLimited)
    scripts.client.incrby(rate_key("me"), -60_000)  # as if a minute had passed
    assert scripts.accept(new_task_id(), **rate) == ACCEPTED


def test_one_callers_rate_is_no_other_callers(scripts: Scripts) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1 / 60, "rate_burst": 1}
    assert scripts.accept(new_task_id(), caller="me", **rate) == ACCEPTED
    assert scripts.accept(new_task_id(), caller="you", **rate) == ACCEPTED
    assert isinstance(scripts.accept(new_task_id(), caller="me", **rate), RateLimited)


def test_a_callers_place_in_the_rate_limit_expires_once_it_is_paid_for(scripts: Scripts) -> None:
    scripts.accept(new_task_id(), rate_per_second=2000, rate_burst=2)
    scripts.accept(new_task_id(), caller="you", rate_per_second=1 / 60, rate_burst=1)
    assert 0 < scripts.client.pttl(rate_key("you")) <= 60_000


def test_a_repeat_costs_the_caller_nothing(scripts: Scripts, task_id: str) -> None:
    rate: dict[str, Any] = {"rate_per_second": 1 / 60, "rate_burst": 1}
    scripts.accept(task_id, **rate)
    assert scripts.accept(task_id, **rate) == KNOWN


# READ


def test_reading_a_task_tells_its_caller_its_state_and_its_outcome(scripts: Scripts, accepted: str) -> None:
    assert scripts.read(accepted) == Found("me", State.PENDING, None)
    scripts.finish(accepted, b'{"a": 1}')
    assert scripts.read(accepted) == Found("me", State.SUCCESS, b'{"a": 1}')
    assert scripts.read(new_task_id()) is None


# START


def test_every_start_is_counted_and_hands_over_the_request(scripts: Scripts, accepted: str) -> None:
    started = scripts.started(accepted)
    assert (started.sealed, started.fingerprint, started.starts) == (b"sealed", "fp", 1)
    assert started.waited_seconds >= 0
    assert scripts.started(accepted).starts == 2
    assert scripts.record(accepted)["state"] == "STARTED"


def test_after_two_starts_a_task_is_started_only_alone(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted)
    scripts.start(accepted)
    assert scripts.start(accepted) is NotStarted.ALONE
    assert scripts.record(accepted)["starts"] == "2"
    assert scripts.started(accepted, alone=True).starts == 3
    assert scripts.started(accepted, alone=True).starts == 4


@pytest.mark.parametrize(("end", "why"), [(Scripts.finish, NotStarted.FINISHED), (Scripts.park, NotStarted.PARKED)])
def test_a_task_that_has_ended_is_not_started(
    scripts: Scripts, accepted: str, end: Callable[[Scripts, str], str], why: NotStarted
) -> None:
    end(scripts, accepted)
    before = scripts.record(accepted)
    assert scripts.start(accepted) == scripts.start(accepted, alone=True) == why
    assert scripts.record(accepted) == before


def test_no_step_makes_a_record_of_a_task_that_is_unknown(scripts: Scripts, task_id: str) -> None:
    assert scripts.start(task_id) is NotStarted.UNKNOWN
    steps = (scripts.finish, scripts.release, scripts.defer, scripts.park, scripts.requeue, scripts.drop)
    assert [step(task_id) for step in steps] == ["unknown"] * 6
    assert scripts.client.dbsize() == 0


# FINISH


def test_finishing_writes_the_outcome_once_forgets_the_request_and_closes_the_task(
    scripts: Scripts, accepted: str
) -> None:
    scripts.start(accepted)
    assert scripts.finish(accepted, b'{"first": 1}') == "written"
    assert scripts.finish(accepted, b'{"second": 2}') == "finished"
    assert scripts.client.get(result_key(accepted)) == b'{"first": 1}'
    record = scripts.record(accepted)
    assert record["state"] == "SUCCESS"
    assert "sealed" not in record
    assert scripts.open_ids() == scripts.dead_ids() == set()


def test_an_outcome_and_its_record_expire_together(scripts: Scripts, accepted: str) -> None:
    scripts.finish(accepted, milliseconds=DAY_MILLISECONDS)
    for key in (record_key(accepted), result_key(accepted)):
        assert DAY_MILLISECONDS - 10_000 < scripts.client.pttl(key) <= DAY_MILLISECONDS


def test_an_outcome_is_published_on_its_own_channel(scripts: Scripts, accepted: str) -> None:
    with scripts.client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(result_key(accepted))
        channel.get_message(timeout=5)
        scripts.finish(accepted, b'{"a": 1}')
        message = channel.get_message(timeout=5)
    assert message is not None
    assert message["data"] == b'{"a": 1}'


@pytest.mark.parametrize("end", ["finish", "park"])
def test_who_waits_for_a_task_is_told_its_id_and_its_end_once(scripts: Scripts, task_id: str, end: str) -> None:
    scripts.accept(task_id, waiter="shim-1")
    with scripts.client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe("shim-1")
        channel.get_message(timeout=5)
        scripts.finish(task_id, b'{"a": 1}') if end == "finish" else scripts.park(task_id, result=b'{"a": 1}')
        scripts.finish(task_id, b'{"b": 2}')
        messages = [channel.get_message(timeout=timeout) for timeout in (5, 0.2)]
    first, second = messages
    assert first is not None
    assert first["data"] == f'{task_id} {{"a": 1}}'.encode()
    # A dead letter may have an outcome after all.
    assert (second is None) == (end == "finish")
    assert "waiter" not in scripts.record(task_id)


def test_nobody_who_waits_is_nothing_in_the_record(scripts: Scripts, accepted: str) -> None:
    assert "waiter" not in scripts.record(accepted)


def test_a_dead_letter_that_finishes_after_all_is_one_no_more(scripts: Scripts, accepted: str) -> None:
    scripts.park(accepted, result=b'{"dead": 1}')
    assert scripts.finish(accepted, b'{"a": 1}') == "written"
    assert scripts.dead_ids() == set()
    assert scripts.read(accepted) == Found("me", State.SUCCESS, b'{"a": 1}')
    assert "reason" not in scripts.record(accepted)


# RELEASE


def test_a_start_that_is_given_back_does_not_count(scripts: Scripts, accepted: str) -> None:
    for _ in range(5):
        scripts.lose_message()
        assert scripts.started(accepted, delivery="mine").starts == 1
        assert scripts.release(accepted, delivery="mine") == "written"
        assert scripts.queued() == [scripts.messages.message(accepted)]
    assert (scripts.record(accepted)["state"], scripts.record(accepted)["starts"]) == ("RETRY", "0")
    assert scripts.open_ids() == {accepted}


def test_a_task_that_is_given_back_before_older_ones_counts_as_sent_before_them(
    scripts: Scripts, accepted: str
) -> None:
    younger, head = new_task_id(), accepted
    scripts.age(head, milliseconds=5000)
    scripts.accept(younger)
    scripts.start(younger, delivery="mine")
    scripts.client.ltrim(QUEUE, 1, -1)  # the younger one's message was taken

    assert scripts.release(younger, delivery="mine") == "written"

    assert scripts.queued() == [scripts.messages.message(each) for each in (younger, head)]
    assert scripts.record(younger)["sent_at"] == scripts.record(head)["sent_at"]


def test_a_task_that_was_missed_and_is_started_is_missed_no_longer(scripts: Scripts, accepted: str) -> None:
    scripts.lose_message()
    scripts.age(accepted, milliseconds=5000)
    scripts.sweep_once()
    assert "missing_at" in scripts.record(accepted)
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    assert "missing_at" not in scripts.record(accepted)


def test_a_task_that_was_told_to_run_alone_can_be_started_alone(scripts: Scripts, accepted: str) -> None:
    for _ in range(2):
        scripts.start(accepted)  # by workers that died
    assert scripts.start(accepted, lease_milliseconds=60_000, delivery="mine") is NotStarted.ALONE
    assert scripts.record(accepted)["state"] == "RETRY"
    scripts.renew(accepted, lease_milliseconds=60_000, delivery="mine")
    scripts.started(accepted, alone=True, lease_milliseconds=60_000, delivery="mine")


def test_only_a_started_task_can_be_given_back(scripts: Scripts, accepted: str) -> None:
    assert scripts.release(accepted) == "finished"
    scripts.finish(accepted)
    assert scripts.release(accepted) == "finished"
    assert scripts.record(accepted)["state"] == "SUCCESS"


def test_only_the_delivery_that_holds_a_task_can_give_it_back(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    assert scripts.release(accepted, delivery="another") == "finished"
    assert scripts.client.zscore(HELD_KEY, accepted) is not None
    assert len(scripts.queued()) == 1


# Leases


def test_a_second_delivery_is_told_that_the_task_is_held(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, lease_milliseconds=60_000)
    assert scripts.start(accepted, lease_milliseconds=60_000) is NotStarted.LEASED
    assert scripts.record(accepted)["starts"] == "1"


def test_a_delivery_that_did_not_hear_the_answer_starts_again_and_counts_once(scripts: Scripts, accepted: str) -> None:
    first = scripts.started(accepted, delivery="mine", lease_milliseconds=60_000)
    second = scripts.started(accepted, delivery="mine", lease_milliseconds=60_000)
    assert (first.sealed, first.fingerprint, first.starts) == (second.sealed, second.fingerprint, second.starts)
    assert scripts.record(accepted)["starts"] == "1"


def test_a_task_whose_lease_has_run_out_is_started_by_the_next_delivery(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, lease_milliseconds=0)
    scripts.started(accepted, lease_milliseconds=60_000)


def test_a_renewed_lease_lasts_and_one_of_a_task_that_is_gone_does_not_come_back(
    scripts: Scripts, accepted: str
) -> None:
    scripts.start(accepted, delivery="mine", lease_milliseconds=0)
    scripts.renew(accepted, new_task_id(), lease_milliseconds=60_000)
    assert scripts.start(accepted) is NotStarted.LEASED
    assert scripts.client.zcard(HELD_KEY) == 1


def test_a_delivery_that_another_has_overtaken_does_not_prolong_the_others_lease(
    scripts: Scripts, accepted: str
) -> None:
    scripts.start(accepted, delivery="other", lease_milliseconds=0)
    scripts.renew(accepted, lease_milliseconds=60_000)
    scripts.started(accepted)


def test_what_was_taken_and_not_started_is_held_and_can_be_started(scripts: Scripts, accepted: str) -> None:
    scripts.lose_message()  # a worker has taken it
    scripts.age(accepted, milliseconds=10_000)
    scripts.renew(accepted, lease_milliseconds=60_000)
    assert scripts.sweep() == []
    scripts.started(accepted, delivery="mine")


@pytest.mark.parametrize("end", ["finish", "park"])
def test_the_lease_of_a_task_that_has_ended_stays_ended(scripts: Scripts, accepted: str, end: str) -> None:
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    getattr(scripts, end)(accepted)
    scripts.renew(accepted, lease_milliseconds=60_000)
    assert scripts.client.zcard(HELD_KEY) == 0


@pytest.mark.parametrize("end", ["finish", "park", "release"])
def test_the_lease_ends_with_the_work(scripts: Scripts, accepted: str, end: str) -> None:
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    getattr(scripts, end)(accepted)
    assert scripts.client.zcard(HELD_KEY) == 0


# PARK, REQUEUE, DROP


def test_a_dead_letter_keeps_its_request_and_its_reason_without_expiry(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted)
    assert scripts.park(accepted, reason="too_many_starts") == "written"
    record = scripts.record(accepted)
    assert (record["state"], record["reason"], record["sealed"]) == ("FAILURE", "too_many_starts", "sealed")
    assert (scripts.open_ids(), scripts.dead_ids()) == (set(), {accepted})
    assert scripts.client.ttl(record_key(accepted)) == -1


def test_a_task_with_an_outcome_cannot_become_a_dead_letter(scripts: Scripts, accepted: str) -> None:
    scripts.finish(accepted, b'{"a": 1}')
    assert scripts.park(accepted) == "finished"
    assert scripts.read(accepted) == Found("me", State.SUCCESS, b'{"a": 1}')
    assert scripts.dead_ids() == set()


def test_only_the_delivery_that_holds_a_task_can_make_it_a_dead_letter(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="frozen")
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    assert scripts.park(accepted, delivery="frozen") == "finished"
    assert (scripts.record(accepted)["state"], scripts.dead_ids()) == ("STARTED", set())
    assert scripts.park(accepted, delivery="mine") == "written"


def test_a_worker_that_was_frozen_does_not_undo_what_an_operator_has_done(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="frozen")
    assert scripts.park(accepted, delivery="frozen") == "written"
    scripts.requeue(accepted)
    assert scripts.park(accepted, delivery="frozen") == "finished"
    assert (scripts.record(accepted)["state"], scripts.dead_ids()) == ("PENDING", set())
    assert scripts.client.get(result_key(accepted)) is None


def test_a_delivery_that_did_not_hear_that_the_task_was_parked_parks_it_once(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="mine")
    assert [scripts.park(accepted, delivery="mine", detail="an index") for _ in range(2)] == ["written"] * 2
    assert scripts.record(accepted)["detail"] == "an index"
    scripts.requeue(accepted)
    assert "detail" not in scripts.record(accepted)


# DEFER


def test_what_was_left_to_others_is_open_and_neither_queued_nor_held_and_nothing_of_it_counts(
    scripts: Scripts, accepted: str
) -> None:
    scripts.lose_message()
    for _ in range(3):
        scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
        assert scripts.defer(accepted, delivery="mine") == "written"
        record = scripts.record(accepted)
        assert (record["state"], record["starts"], record["sends"]) == ("RETRY", "0", "1")
        assert (scripts.queued(), scripts.client.zcard(HELD_KEY)) == ([], 0)
        scripts.age(accepted, milliseconds=5000)
        assert scripts.sweep(grace_milliseconds=4000) == [accepted]
        scripts.lose_message()


def test_only_the_delivery_that_holds_a_task_can_leave_it_to_others(scripts: Scripts, accepted: str) -> None:
    assert scripts.defer(accepted) == "finished"
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    assert scripts.defer(accepted, delivery="another") == "finished"
    assert scripts.record(accepted)["state"] == "STARTED"


def test_what_has_been_left_to_others_for_long_enough_is_left_to_them_no_more(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="mine")
    assert scripts.defer(accepted, delivery="mine") == "written"
    scripts.client.hincrby(record_key(accepted), "deferred_at", -60_000)
    scripts.start(accepted, delivery="mine")
    assert scripts.defer(accepted, delivery="mine", patience_milliseconds=60_000) == "overdue"
    assert scripts.record(accepted)["state"] == "STARTED"


def test_an_outage_is_no_time_in_which_others_could_have_read_it(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="mine")
    assert scripts.defer(accepted, delivery="mine") == "written"
    scripts.client.hincrby(record_key(accepted), "deferred_at", -60_000)
    scripts.start(accepted, delivery="one that can read it")
    assert scripts.release(accepted, delivery="one that can read it") == "written"  # MongoDB was away
    scripts.start(accepted, delivery="mine")
    assert scripts.defer(accepted, delivery="mine", patience_milliseconds=60_000) == "written"


def test_requeueing_a_dead_letter_sends_it_again_with_its_starts_forgotten(scripts: Scripts, accepted: str) -> None:
    for _ in range(4):
        scripts.start(accepted, alone=True)
    scripts.lose_message()
    scripts.park(accepted)
    assert scripts.requeue(accepted) == "written"
    record = scripts.record(accepted)
    assert (record["state"], record["starts"], record["sends"]) == ("PENDING", "0", "2")
    assert not {"reason", "finished_at"} & record.keys()
    assert (scripts.open_ids(), scripts.dead_ids()) == ({accepted}, set())
    assert scripts.queued() == [scripts.messages.message(accepted)]
    assert scripts.read(accepted) == Found("me", State.PENDING, None)
    assert scripts.started(accepted).starts == 1


def test_a_requeued_task_is_as_old_as_when_it_was_accepted(scripts: Scripts, accepted: str) -> None:
    scripts.park(accepted)
    scripts.requeue(accepted)
    assert scripts.client.zscore(RESENT_KEY, accepted) == int(scripts.record(accepted)["accepted_at"])


def test_dropping_a_dead_letter_leaves_nothing_of_it(scripts: Scripts, accepted: str) -> None:
    scripts.lose_message()
    scripts.park(accepted)
    assert scripts.drop(accepted) == "written"
    assert scripts.client.dbsize() == 0


@pytest.mark.parametrize("step", [Scripts.requeue, Scripts.drop])
def test_only_a_dead_letter_can_be_requeued_or_dropped(
    scripts: Scripts, accepted: str, step: Callable[[Scripts, str], str]
) -> None:
    before = scripts.record(accepted)
    assert step(scripts, accepted) == "finished"
    assert scripts.record(accepted) == before
    scripts.finish(accepted)
    assert step(scripts, accepted) == "finished"
    assert scripts.record(accepted)["state"] == "SUCCESS"


# What a Celery client reads


@pytest.fixture
def celery_client(isolated_env: Mapping[str, str]) -> Celery:
    url = isolated_env["INTAKE_REDIS_URL"]
    app = Celery("any-client", broker=url, backend=url, set_as_current=False)
    app.conf.update(celery_routing())
    return app


def test_any_celery_client_reads_the_outcome(scripts: Scripts, accepted: str, celery_client: Celery) -> None:
    outcome = outcomes.invalid_email("nobody")
    result = outcomes.celery_result(accepted, outcome, finished_at=datetime.now(UTC))
    scripts.finish(accepted, json.dumps(result).encode())
    pending = celery_client.AsyncResult(accepted)
    assert pending.get(timeout=10) == outcome
    assert pending.state == "SUCCESS"


def test_any_celery_client_is_told_of_a_dead_letter_by_an_exception(
    scripts: Scripts, accepted: str, celery_client: Celery
) -> None:
    result = outcomes.celery_failure(accepted, "too_many_starts", finished_at=datetime.now(UTC))
    scripts.park(accepted, reason="too_many_starts", result=json.dumps(result).encode())
    pending = celery_client.AsyncResult(accepted)
    with pytest.raises(RuntimeError, match="too_many_starts"):
        pending.get(timeout=10)
    assert pending.state == "FAILURE"
