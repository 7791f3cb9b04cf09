"""What an operator does, done: to dead letters, to a batch, to the taking of work."""

from __future__ import annotations

import json
import os
import signal
import time
from itertools import islice
from typing import TYPE_CHECKING

import pytest
import redis

from schemas.ids import new_task_id
from schemas.protocol.keys import DEAD_KEY, EVENTS_KEY, PAUSED_KEY, QUEUE
from schemas.protocol.steps.pausing import Paused, pause
from schemas.protocol.webhook_keys import endpoint_key, group_of
from tests.console.client import Console
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import Service
from tests.support.batches import Batches
from tests.support.records import Scripts
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter
    from tests.console.conftest import OpenConsole


@pytest.fixture
def scripts(module_env: Environment) -> Iterator[Scripts]:
    """The steps of the protocol, on a Redis without dead letters."""
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        client.delete(DEAD_KEY, QUEUE)
        yield Scripts(client)
        client.delete(PAUSED_KEY)


def a_dead_letter(scripts: Scripts, *, reason: str = "a_reason") -> str:
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.started(task_id, delivery="one")
    scripts.park(task_id, delivery="one", reason=reason)
    return task_id


def _log_of_worker(service: Service) -> str:
    assert service.worker is not None
    return service.worker.log()


def test_dead_letters_are_listed_with_reason_and_starts(operator: Console, scripts: Scripts) -> None:
    ids = [a_dead_letter(scripts, reason=reason) for reason in ("one", "one", "other")]
    listed = operator.get("dead-letters").json()
    assert [each["id"] for each in listed["letters"]] == ids
    assert listed["reasons"] == {"one": 2, "other": 1}
    assert listed["letters"][0]["starts"] == 1
    assert "caller" not in listed["letters"][0]
    of_one = operator.get("dead-letters", reason="one").json()
    assert [each["id"] for each in of_one["letters"]] == ids[:2]


def test_one_dead_letter_is_sent_again(operator: Console, scripts: Scripts) -> None:
    task_id, other = a_dead_letter(scripts), a_dead_letter(scripts)
    assert operator.act("dead-letters/requeue", id=task_id).json() == {"ok": True, "changed": 1, "after": ""}
    assert scripts.client.zrange(DEAD_KEY, 0, -1) == [other.encode()]
    assert scripts.client.llen(QUEUE) == 3


def test_dead_letters_of_a_reason_are_sent_again(operator: Console, scripts: Scripts) -> None:
    ids = [a_dead_letter(scripts, reason=reason) for reason in ("one", "other", "one")]
    answer = operator.act("dead-letters/requeue", all=True, reason="one", until=time.time() + 1)
    assert answer.json()["changed"] == 2
    assert scripts.client.zrange(DEAD_KEY, 0, -1) == [ids[1].encode()]


def test_a_dead_letter_that_came_after_the_question_is_left_alone(operator: Console, scripts: Scripts) -> None:
    a_dead_letter(scripts)
    answer = operator.act("dead-letters/drop", all=True, until=time.time() - 3600)
    assert answer.json()["changed"] == 0
    assert scripts.client.zcard(DEAD_KEY) == 1


def test_all_dead_letters_are_dropped(operator: Console, scripts: Scripts) -> None:
    ids = [a_dead_letter(scripts) for _ in range(3)]
    assert operator.act("dead-letters/drop", all=True, until=time.time() + 1).json()["changed"] == 3
    assert scripts.client.zcard(DEAD_KEY) == 0
    assert operator.get("find", id=ids[0]).status_code == 404


def test_an_act_is_logged_with_who_did_it(operator: Console, scripts: Scripts) -> None:
    task_id = a_dead_letter(scripts)
    operator.act("dead-letters/drop", id=task_id)
    line = operator.acts("operator_dropped")[-1]
    assert (line["by"], line["count"], line["task_id"]) == ("olga", 1, task_id)


def test_what_is_no_dead_letter_is_not_changed(operator: Console, scripts: Scripts) -> None:
    task_id = new_task_id()
    scripts.accept(task_id)
    assert operator.act("dead-letters/drop", id=task_id).json()["changed"] == 0
    assert operator.get("find", id=task_id).status_code == 200


@pytest.mark.parametrize("path", ["dead-letters/requeue", "dead-letters/drop"])
@pytest.mark.parametrize(
    "body", [{}, {"id": "x"}, {"id": 1}, {"all": True}, {"all": "yes"}, {"all": True, "until": True}, {"all": 1}]
)
def test_an_act_on_nothing_in_particular_is_refused(
    operator: Console, scripts: Scripts, path: str, body: dict[str, object]
) -> None:
    a_dead_letter(scripts)
    assert operator.act(path, **body).status_code == 400
    assert scripts.client.zcard(DEAD_KEY) == 1


def test_a_batch_is_canceled(operator: Console, scripts: Scripts) -> None:
    batches = Batches(scripts.client)
    batch_id = batches.open()
    assert operator.act("batches/cancel", id=batch_id).json() == {"ok": True, "changed": True}
    assert operator.get("find", id=batch_id).json()["found"]["state"] == "CANCELED"
    line = operator.acts("operator_canceled_batch")[-1]
    assert (line["by"], line["batch_id"], line["changed"]) == ("olga", batch_id, True)


def test_of_two_operators_who_cancel_a_batch_the_log_names_the_first_one_as_who_did_it(
    operator: Console, scripts: Scripts
) -> None:
    batches = Batches(scripts.client)
    batch_id = batches.open()
    # More chunks than one call to Redis looks at.
    for _ in range(120):
        batches.accept(batch_id, new_task_id())
    other = Console(operator.running)
    other.log_in(sub="otto")
    assert [each.act("batches/cancel", id=batch_id).json()["changed"] for each in (operator, other)] == [True, False]
    lines = operator.acts("operator_canceled_batch")[-2:]
    assert [(line["by"], line["changed"]) for line in lines] == [("olga", True), ("otto", False)]
    assert batches.read(batch_id).outcomes == {"canceled": 480}
    other.http.close()


def test_a_batch_that_is_not_there_cannot_be_canceled(operator: Console) -> None:
    assert operator.act("batches/cancel", id="0" * 22).status_code == 404
    assert operator.act("batches/cancel", id="x").status_code == 404


@pytest.fixture
def endpoint(scripts: Scripts) -> Iterator[str]:
    """An endpoint that the notifier has seen."""
    scripts.client.xgroup_create(EVENTS_KEY, group_of("crm"), id="0", mkstream=True)
    scripts.client.hset(endpoint_key("crm"), "since", 1)
    yield "crm"
    scripts.client.xgroup_destroy(EVENTS_KEY, group_of("crm"))
    scripts.client.delete(endpoint_key("crm"))


def test_an_endpoint_is_switched_off_and_on(operator: Console, scripts: Scripts, endpoint: str) -> None:
    def is_on() -> list[bool]:
        return [each["on"] for each in operator.look()["endpoints"]]

    assert operator.act("endpoints/switch", name=endpoint, on=False).json() == {"ok": True, "changed": True}
    assert operator.act("endpoints/switch", name=endpoint, on=False).json()["changed"] is False
    wait_until(lambda: is_on() == [False], what="it is shown as off")
    assert scripts.client.hget(endpoint_key(endpoint), "off_reason") == b"operator"
    operator.act("endpoints/switch", name=endpoint, on=True)
    wait_until(lambda: is_on() == [True], what="it is shown as on")
    line = operator.acts("operator_switched_endpoint")[0]
    assert (line["by"], line["endpoint"], line["on"]) == ("olga", "crm", False)


def test_a_group_of_somebody_else_hides_no_endpoint(operator: Console, scripts: Scripts, endpoint: str) -> None:
    names = [b"\xff\xfe", b"webhook:\xff"]
    for name in names:
        scripts.client.xgroup_create(EVENTS_KEY, name, id="0")
    with operator.events() as events:
        # Endpoints are looked at every few looks.
        kinds = [kind for kind, _ in islice(events, 5)]
    assert set(kinds) == {"look"}
    assert [each["name"] for each in operator.look()["endpoints"]] == [endpoint]
    for name in names:
        scripts.client.xgroup_destroy(EVENTS_KEY, name)


def test_an_act_that_redis_does_not_answer_is_logged(
    open_console: OpenConsole, module_env: Environment, scripts: Scripts
) -> None:
    operator = open_console(module_env, INTAKE_REDIS_TIMEOUT_SECONDS="0.5")
    operator.log_in()
    task = {"task_id": "0" * 22}
    acts: list[tuple[str, dict[str, object], dict[str, object]]] = [
        ("dead-letters/requeue", {"id": "0" * 22}, {"act": "requeue", **task}),
        ("dead-letters/drop", {"id": "0" * 22}, {"act": "drop", **task}),
        ("batches/cancel", {"id": "0" * 22}, {"act": "cancel_batch", "batch_id": "0" * 22}),
        ("endpoints/switch", {"name": "crm", "on": False}, {"act": "switch_endpoint", "endpoint": "crm", "on": False}),
        ("pause", {"what": "batches"}, {"act": "pause", "what": "batches"}),
    ]
    process_id = scripts.client.info("server")["process_id"]
    for path, body, told in acts:
        os.kill(process_id, signal.SIGSTOP)
        try:
            assert operator.act(path, **body).status_code == 503
        finally:
            os.kill(process_id, signal.SIGCONT)
        line = operator.acts("operator_act_unanswered")[-1]
        assert line.items() >= {"by": "olga", "fault": "TimeoutError", **told}.items()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "nobody", "on": True}, 404),
        ({"name": "../x", "on": True}, 404),
        ({"name": "crm"}, 400),
        ({"on": True}, 400),
    ],
)
def test_what_is_no_endpoint_is_not_switched(operator: Console, body: dict[str, object], status: int) -> None:
    assert operator.act("endpoints/switch", **body).status_code == status


def test_a_pause_is_shown_with_who_made_it(operator: Console, scripts: Scripts) -> None:
    assert scripts.client.exists(PAUSED_KEY) == 0
    assert operator.act("pause", what="batches").json() == {"ok": True, "changed": True}
    assert operator.act("pause", what="batches").json() == {"ok": True, "changed": False}
    # A viewer who comes gets the newest look at once, which may be older than the pause.
    wait_until(lambda: operator.look()["paused"]["what"] == "batches", what="the pause is shown")
    assert operator.look()["paused"]["by"] == "olga"
    operator.act("pause", what="nothing")
    wait_until(lambda: operator.look()["paused"] == {"what": "nothing", "by": "", "at": None}, what="it is over")


@pytest.mark.parametrize("what", ["everything", "", None, 1])
def test_a_pause_of_something_else_is_refused(operator: Console, what: object) -> None:
    assert operator.act("pause", what=what).status_code == 400


def test_workers_heed_a_pause_of_all_and_lose_nothing(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter
) -> None:
    service = Service(start_shim(isolated_env), start_worker(isolated_env))
    with service.redis() as client, service.http:
        steps = Scripts(client)
        steps.run(pause(Paused.ALL, by="olga"))
        wait_until(lambda: "taking_paused" in _log_of_worker(service), what="the worker heeds the pause")
        # One call to Redis may have asked for messages before the pause: it brings no more than one group.
        ids = [service.create().json()["task"]["id"] for _ in range(30)]
        wait_until(lambda: client.llen(QUEUE) > 0, what="signups wait")
        assert service.result(ids[-1], wait=2).status_code == 202
        steps.run(pause(Paused.NOTHING, by="olga"))
        assert [service.result(each).status_code for each in ids] == [200] * len(ids)


def test_a_pause_of_batches_lets_signups_through(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter
) -> None:
    service = Service(start_shim(isolated_env), start_worker(isolated_env))
    with service.redis() as client, service.http:
        steps = Scripts(client)
        steps.run(pause(Paused.BATCHES, by="olga"))
        wait_until(lambda: "taking_paused" in _log_of_worker(service), what="the worker heeds the pause")
        batches = BatchClient(service)
        # The worker's call for messages may have been made before: it brings one chunk at most.
        ids = [batches.accepted(lines(a_row())) for _ in range(3)]
        assert service.create({"prefer": "wait=20"}).status_code == 200
        assert batches.result(ids[-1], wait=1).json()["batch"]["status"] == "RUNNING"
        steps.run(pause(Paused.NOTHING, by="olga"))
        assert [batches.result(each).json()["batch"]["status"] for each in ids] == ["DONE"] * 3


def test_a_worker_that_starts_during_a_pause_takes_nothing_and_its_health_file_says_so(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, tmp_path: Path
) -> None:
    health = tmp_path / "health"

    def consumes() -> bool | None:
        return json.loads(health.read_text())["consuming"] if health.exists() else None

    service = Service(start_shim(isolated_env))
    with service.redis() as client, service.http:
        steps = Scripts(client)
        steps.run(pause(Paused.ALL, by="olga"))
        task_id = service.create().json()["task"]["id"]
        start_worker(isolated_env, INTAKE_WORKER_HEALTH_FILE=str(health))
        assert service.result(task_id, wait=2).status_code == 202
        assert client.llen(QUEUE) == 1
        wait_until(lambda: consumes() is not None, what="the worker is healthy")
        assert consumes() is False
        steps.run(pause(Paused.NOTHING, by="olga"))
        assert service.result(task_id).status_code == 200
        wait_until(lambda: consumes() is True, what="the file says that the worker takes tasks")
