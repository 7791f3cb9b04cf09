"""`customer.create.result` by GET and by POST, at once and held. Only the caller that submitted reads the result."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from schemas.outcome import celery_failure
from schemas.protocol.keys import OPEN_KEY
from schemas.sealing import generate_key_pair
from tests.contract.service import CREATE, PREFIXES, RESULT, an_email
from tests.support.records import Scripts
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import httpx

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service

_UNKNOWN_ID: Final = "A" * 22


def _submit(service: Service, **changes: Any) -> str:
    task_id: str = service.create(**changes).json()["task"]["id"]
    return task_id


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_outcome_is_read_by_get_and_by_post(service: Service, prefix: str, method: str) -> None:
    email = an_email()
    task_id = _submit(service, email=email)
    service.result(task_id)
    path = f"{prefix}/customer/v1/customer.create.result"

    response = service.get(path, id=task_id) if method == "GET" else service.post(as_body({"id": task_id}), path=path)

    assert response.status_code == 200
    assert response.json()["customer"]["email"] == email
    assert response.headers["cache-control"] == "no-store"


def test_a_documented_error_is_a_200_too(service: Service) -> None:
    response = service.result(_submit(service, email="no email"))

    assert response.status_code == 200
    assert response.json() == {"ok": False, "error": "customer_invalid_email", "data": {"email": "no email"}}


def test_the_outcome_is_the_same_each_time_it_is_read(service: Service) -> None:
    task_id = _submit(service)

    assert len({service.result(task_id).text for _ in range(3)}) == 1


def test_the_caller_that_submitted_reads_its_result_with_any_scope(service: Service) -> None:
    task_id = _submit(service)

    assert service.get(RESULT, service.bearer(scope=""), id=task_id, wait="20").status_code == 200


def test_another_caller_gets_the_same_answer_as_for_a_task_that_does_not_exist(service: Service) -> None:
    task_id = _submit(service)
    service.result(task_id)
    theirs = service.bearer(sub="someone else")

    answers = [
        service.get(RESULT, theirs, id=task_id, wait="1"),
        service.post(as_body({"id": task_id}), theirs, path=RESULT),
    ]

    for response in answers:
        assert response.status_code == 404
        assert response.json() == {"ok": False, "error": "task_not_found", "data": {"id": task_id}}


def test_a_task_that_does_not_exist_gets_404_without_waiting(service: Service) -> None:
    response = service.result(_UNKNOWN_ID, wait=20)

    assert response.status_code == 404
    assert response.json() == {"ok": False, "error": "task_not_found", "data": {"id": _UNKNOWN_ID}}
    assert response.elapsed.total_seconds() < 5


def test_a_result_that_has_expired_gets_404(service: Service) -> None:
    task_id = _submit(service)
    service.result(task_id)
    with service.redis() as redis:
        redis.delete(f"celery-task-meta-{task_id}")

    assert service.result(task_id).status_code == 404


def test_without_an_outcome_the_answer_is_202(without_worker: Service) -> None:
    task_id = _submit(without_worker)

    for response in (
        without_worker.result(task_id, wait=0),
        without_worker.post(as_body({"id": task_id}), path=RESULT),
        without_worker.post(as_body({"id": task_id, "wait": 1}), path=RESULT),
    ):
        assert response.status_code == 202
        task = response.json()["task"]
        assert (task["id"], task["status"], task["secondsLeft"]) == (task_id, "PENDING", None)
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["cache-control"] == "no-store"
    assert response.elapsed.total_seconds() >= 1


def test_many_calls_that_wait_for_one_task_all_get_its_outcome(without_worker: Service, start_worker: Starter) -> None:
    task_id = _submit(without_worker)
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(without_worker.result(task_id, wait=25))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: "intake_waiting_requests 8.0" in without_worker.get("/metrics").text, what="eight calls wait")

    start_worker(without_worker.environment)

    for thread in threads:
        thread.join()
    assert {response.status_code for response in answers} == {200}
    assert len({response.text for response in answers}) == 1


def test_a_channel_that_nobody_waits_on_any_more_is_left(service: Service) -> None:
    service.create({"prefer": "wait=20"})

    with service.redis() as redis:
        wait_until(lambda: not redis.pubsub_channels("celery-task-meta-*"), what="no outcome is subscribed to")


def _held(service: Service, count: int) -> None:
    wait_until(lambda: f"intake_waiting_requests {count}.0" in service.get("/metrics").text, what="the calls are held")


def _creating(
    service: Service, answers: list[httpx.Response], headers: dict[str, str], **changes: Any
) -> threading.Thread:
    thread = threading.Thread(
        target=lambda: answers.append(service.create({"prefer": "wait=30", **headers}, **changes))
    )
    thread.start()
    return thread


def test_a_held_signup_hears_its_outcome_without_a_subscription_for_its_task(
    without_worker: Service, start_worker: Starter
) -> None:
    answers: list[httpx.Response] = []
    with without_worker.redis() as redis:
        # Channels are the server's, so those of other tests' processes are among them.
        before = set(redis.pubsub_channels("*"))
        thread = _creating(without_worker, answers, {})
        _held(without_worker, 1)
        channels = set(redis.pubsub_channels("*")) - before
    start_worker(without_worker.environment)
    thread.join()

    assert not any(channel.startswith(b"celery-task-meta-") for channel in channels)
    assert answers[0].status_code == 200


def test_a_call_with_an_impossible_id_does_not_subscribe(without_worker: Service) -> None:
    with without_worker.redis() as redis:
        for task_id in ("x", "x" * 200_000, "\u2028" * 22, "0" * 21 + "-"):
            response = without_worker.post(as_body({"id": task_id, "wait": 60}), path=RESULT)

            assert response.status_code == 404
            assert redis.pubsub_channels("celery-task-meta-*") == []


def test_held_signups_are_answered_although_the_subscription_was_cut(
    without_worker: Service, start_worker: Starter
) -> None:
    answers: list[httpx.Response] = []
    threads = [_creating(without_worker, answers, {}, email=an_email()) for _ in range(4)]
    _held(without_worker, 4)
    with without_worker.redis() as redis:
        assert redis.client_kill_filter(_type="pubsub")
    start_worker(without_worker.environment)
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [200] * 4


def test_repeats_of_a_held_signup_are_held_too_and_all_get_the_same_outcome(
    without_worker: Service, start_worker: Starter
) -> None:
    answers: list[httpx.Response] = []
    email = an_email()
    threads = []
    for number in range(3):
        threads.append(_creating(without_worker, answers, {"idempotency-key": "the-same"}, email=email))
        _held(without_worker, number + 1)
    start_worker(without_worker.environment)
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.json()["customer"]["id"] for answer in answers}) == 1


def test_a_dead_letter_ends_the_calls_that_wait_for_it(without_worker: Service) -> None:
    task_id = _submit(without_worker)
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(without_worker.result(task_id, wait=25)))
    waiting.start()
    wait_until(lambda: "intake_waiting_requests 1.0" in without_worker.get("/metrics").text, what="the call waits")

    with without_worker.redis() as redis:
        failure = celery_failure(task_id, "a_reason", finished_at=datetime.now(UTC))
        Scripts(redis).park(task_id, result=json.dumps(failure).encode())

    waiting.join()
    assert answers[0].status_code == 500
    assert answers[0].json() == {"ok": False, "error": "internal_error", "data": {"id": task_id}}


def test_more_calls_than_may_wait_are_answered_at_once(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_MAX_WAITING="0"))

    response = service.create({"prefer": "wait=20"})

    assert response.status_code == 202
    assert response.elapsed.total_seconds() < 5
    assert service.result(response.json()["task"]["id"], wait=20).status_code == 202


@pytest.fixture
def broken(isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve) -> Service:
    """A service whose worker lacks the key that opens the shim's requests."""
    ring = {
        "INTAKE_SEALING_PRIVATE_KEYS": generate_key_pair().private_line,
        "INTAKE_SEALING_PRIVATE_KEYS_FILE": "",
        # No other worker has the key, so the worker need not wait for one.
        "INTAKE_UNREADABLE_WAIT_SECONDS": "0",
    }
    return serve(start_shim(isolated_env), start_worker(isolated_env, **ring))


def test_the_answer_for_a_dead_letter_says_that_the_service_failed(broken: Service) -> None:
    document = as_body(a_request(email=an_email()))
    key = {"idempotency-key": "of-a-dead-letter"}
    task_id = broken.post(document, key).json()["task"]["id"]

    response = broken.result(task_id)

    assert response.status_code == 500
    assert response.json() == {"ok": False, "error": "internal_error", "data": {"id": task_id}}
    with broken.redis() as redis:
        assert redis.zcard(OPEN_KEY) == 0
    assert broken.post(as_body({"id": task_id}), path=RESULT).status_code == 500
    theirs = broken.get(RESULT, broken.bearer(sub="someone else"), id=task_id)
    assert theirs.status_code == 404
    again = broken.post(document, key | {"prefer": "wait=20"}, path=CREATE)
    assert (again.status_code, again.json()["task"]["id"]) == (202, task_id)
    assert broken.customers() == []
