"""What the result of a task without outcome tells: when it was accepted, and how long it takes still."""

from __future__ import annotations

import itertools
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import pytest

from api_shim.methods.answers import task_answers
from schemas.ids import new_task_id
from schemas.outcome import celery_result, invalid_email
from schemas.protocol.keys import State
from tests.contract.service import RESULT
from tests.support.records import Scripts
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.contract.service import Service

_A_SECOND: Final = 100
"""How many tasks are finished a second."""


def _pending(service: Service, task_id: str) -> Any:
    response = service.get(RESULT, id=task_id)
    assert response.status_code == 202
    return response


def test_a_task_of_which_no_rate_is_known_tells_when_it_was_accepted_and_no_time_left(without_worker: Service) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    task_id = without_worker.create().json()["task"]["id"]

    response = _pending(without_worker, task_id)

    task = response.json()["task"]
    assert before < datetime.fromisoformat(task.pop("acceptedAt")) < datetime.now(UTC) + timedelta(seconds=1)
    assert task == {"id": task_id, "status": "PENDING", "secondsLeft": None}
    assert response.headers["retry-after"] == "1"


@contextmanager
def _finishing(scripts: Scripts, task_ids: Sequence[str]) -> Iterator[dict[str, float]]:
    """Finish these tasks at a steady rate, as workers do. Yields when each of them was finished."""
    finished: dict[str, float] = {}
    stop = threading.Event()

    def work() -> None:
        began = time.monotonic()
        for number, task_id in enumerate(task_ids):
            if stop.wait(max(0.0, began + number / _A_SECOND - time.monotonic())):
                return
            result = celery_result(task_id, invalid_email("nobody"), finished_at=datetime.now(UTC))
            scripts.finish(task_id, json.dumps(result).encode(), outcome="customer_invalid_email")
            finished[task_id] = time.monotonic()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield finished
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
def test_the_time_left_is_within_a_factor_of_two_of_the_truth_on_a_steady_backlog(without_worker: Service) -> None:
    with without_worker.redis() as client:
        scripts = Scripts(client)
        ahead = [new_task_id() for _ in range(800)]
        scripts.accept_all(ahead)
        task_id = without_worker.create().json()["task"]["id"]
        with _finishing(scripts, [*ahead, task_id]) as finished:
            wait_until(lambda: _pending(without_worker, task_id).json()["task"]["secondsLeft"], what="a rate is known")
            asked = []
            for _ in itertools.takewhile(lambda _: len(finished) < 500, itertools.count()):
                response = _pending(without_worker, task_id)
                asked.append(
                    (time.monotonic(), response.json()["task"]["secondsLeft"], response.headers["retry-after"])
                )
            wait_until(lambda: task_id in finished, what="the task is finished")
        ended = finished[task_id]
        assert without_worker.result(task_id).status_code == 200

    # The middle one: a machine with other things to do may stand still for a while.
    ratio = median([left / (ended - at) for at, left, _ in asked])
    assert 1 / 2 < ratio < 2
    assert all(left <= int(retry) < left + 1 for _, left, retry in asked if left > 1)


@pytest.mark.parametrize(
    ("seconds_left", "shown", "retry_after"),
    [(None, "null", "1"), (0.0, "0.0", "1"), (0.04, "0.0", "1"), (7.26, "7.3", "8"), (4000.0, "4000.0", "60")],
)
def test_retry_after_is_the_time_left_in_whole_seconds_and_a_minute_at_most(
    seconds_left: float | None, shown: str, retry_after: str
) -> None:
    answer = task_answers.unfinished("id", State.RETRY, accepted_at_milliseconds=1_000, seconds_left=seconds_left)
    assert (b"retry-after", retry_after.encode()) in answer.headers
    assert answer.body == (
        b'{"ok":true,"task":{"id":"id","status":"RETRY","acceptedAt":"1970-01-01T00:00:01.000Z","secondsLeft":%s}}'
        % shown.encode()
    )
