"""FINISH, RELEASE and DEFER in a real Redis, and how a Celery client reads an outcome."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from celery import Celery

from schemas import outcome as outcomes
from schemas.ids import new_task_id
from schemas.protocol.keys import HELD_KEY, QUEUE, State, record_key, result_key
from schemas.protocol.message import celery_routing
from schemas.protocol.steps.working import NotStarted
from tests.support.records import DAY_MILLISECONDS, Scripts

if TYPE_CHECKING:
    from collections.abc import Mapping


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
def test_a_process_that_waits_for_a_task_is_told_its_id_and_its_outcome_once(
    scripts: Scripts, task_id: str, end: str
) -> None:
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


def test_where_no_process_waits_the_record_names_none(scripts: Scripts, accepted: str) -> None:
    assert "waiter" not in scripts.record(accepted)


def test_a_dead_letter_that_gets_its_outcome_after_all_is_no_dead_letter_any_more(
    scripts: Scripts, accepted: str
) -> None:
    scripts.park(accepted, result=b'{"dead": 1}')
    assert scripts.finish(accepted, b'{"a": 1}') == "written"
    assert scripts.dead_ids() == set()
    assert scripts.found(accepted) == ("me", State.SUCCESS, b'{"a": 1}')
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


def test_a_task_that_is_given_back_ahead_of_older_ones_counts_as_sent_before_them(
    scripts: Scripts, accepted: str
) -> None:
    younger, head = new_task_id(), accepted
    scripts.age(head, milliseconds=5000)
    scripts.accept(younger)
    scripts.start(younger, delivery="mine")
    scripts.client.ltrim(QUEUE, 1, -1)  # A worker takes the message of the younger one.

    assert scripts.release(younger, delivery="mine") == "written"

    assert scripts.queued() == [scripts.messages.message(each) for each in (younger, head)]
    assert scripts.record(younger)["sent_at"] == scripts.record(head)["sent_at"]


def test_a_missed_task_that_is_started_does_not_count_as_missed_any_more(scripts: Scripts, accepted: str) -> None:
    scripts.lose_message()
    scripts.age(accepted, milliseconds=5000)
    scripts.sweep_once()
    assert "missing_at" in scripts.record(accepted)
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    assert "missing_at" not in scripts.record(accepted)


def test_a_task_that_was_told_to_run_alone_can_be_started_alone(scripts: Scripts, accepted: str) -> None:
    for _ in range(2):
        scripts.start(accepted)  # These are workers that died.
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


# DEFER


def test_a_deferred_task_is_open_but_neither_queued_nor_held_and_its_starts_do_not_count(
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


def test_only_the_delivery_that_holds_a_task_can_defer_it(scripts: Scripts, accepted: str) -> None:
    assert scripts.defer(accepted) == "finished"
    scripts.start(accepted, delivery="mine", lease_milliseconds=60_000)
    assert scripts.defer(accepted, delivery="another") == "finished"
    assert scripts.record(accepted)["state"] == "STARTED"


def test_a_task_that_has_been_deferred_for_long_enough_is_not_deferred_again(scripts: Scripts, accepted: str) -> None:
    scripts.start(accepted, delivery="mine")
    assert scripts.defer(accepted, delivery="mine") == "written"
    scripts.client.hincrby(record_key(accepted), "deferred_at", -60_000)
    scripts.start(accepted, delivery="mine")
    assert scripts.defer(accepted, delivery="mine", patience_milliseconds=60_000) == "overdue"
    assert scripts.record(accepted)["state"] == "STARTED"


def test_the_time_of_an_outage_does_not_count_as_time_in_which_another_worker_could_have_read_it(
    scripts: Scripts, accepted: str
) -> None:
    scripts.start(accepted, delivery="mine")
    assert scripts.defer(accepted, delivery="mine") == "written"
    scripts.client.hincrby(record_key(accepted), "deferred_at", -60_000)
    scripts.start(accepted, delivery="one that can read it")
    assert scripts.release(accepted, delivery="one that can read it") == "written"  # MongoDB is away.
    scripts.start(accepted, delivery="mine")
    assert scripts.defer(accepted, delivery="mine", patience_milliseconds=60_000) == "written"


# What a Celery client reads


@pytest.fixture
def celery_client(isolated_env: Mapping[str, str]) -> Celery:
    url = isolated_env["INTAKE_REDIS_URL"]
    app = Celery("any-client", broker=url, backend=url, set_as_current=False)
    app.conf.update(celery_routing())
    return app


def test_a_celery_client_reads_the_outcome(scripts: Scripts, accepted: str, celery_client: Celery) -> None:
    outcome = outcomes.invalid_email("nobody")
    result = outcomes.celery_result(accepted, outcome, finished_at=datetime.now(UTC))
    scripts.finish(accepted, json.dumps(result).encode())
    pending = celery_client.AsyncResult(accepted)
    assert pending.get(timeout=10) == outcome
    assert pending.state == "SUCCESS"


def test_a_celery_client_gets_an_exception_for_a_dead_letter(
    scripts: Scripts, accepted: str, celery_client: Celery
) -> None:
    result = outcomes.celery_failure(accepted, "too_many_starts", finished_at=datetime.now(UTC))
    scripts.park(accepted, reason="too_many_starts", result=json.dumps(result).encode())
    pending = celery_client.AsyncResult(accepted)
    with pytest.raises(RuntimeError, match="too_many_starts"):
        pending.get(timeout=10)
    assert pending.state == "FAILURE"
