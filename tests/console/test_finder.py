"""One task, batch or row, found by its id: its way so far, and nothing of the person in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis

from schemas.ids import new_task_id
from schemas.protocol.steps.chunk_working import RefusedRow
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support.batches import Batches
from tests.support.records import Scripts
from tests.support.requests import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment
    from tests.console.client import Console
    from tests.console.conftest import OpenConsole
    from tests.contract.service import Service


@pytest.fixture
def scripts_without_worker(isolated_env: Environment) -> Iterator[Scripts]:
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        yield Scripts(client)


@pytest.fixture
def without_worker(isolated_env: Environment, open_console: OpenConsole) -> Console:
    console = open_console(isolated_env)
    console.log_in()
    return console


def found(console: Console, asked: str) -> dict[str, Any]:
    response = console.get("find", id=asked)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()["found"]
    return result


def steps(result: dict[str, Any]) -> list[str]:
    return [each["what"] for each in result["steps"]]


def test_a_signup_is_found_with_its_way_and_its_outcome(operator: Console, service: Service) -> None:
    task_id = service.create().json()["task"]["id"]
    customer = service.result(task_id).json()["customer"]
    result = found(operator, task_id)
    assert (result["kind"], result["state"], result["outcome"]) == ("task", "SUCCESS", "created")
    assert result["customer"] == customer["id"]
    assert steps(result) == ["accepted", "started", "finished"]
    times = [each["at"] for each in result["steps"]]
    assert times == sorted(times)


def test_a_refused_signup_is_found_with_its_error(operator: Console, service: Service) -> None:
    task_id = service.create(email="no email").json()["task"]["id"]
    service.result(task_id)
    result = found(operator, task_id)
    assert (result["outcome"], result["customer"]) == ("customer_invalid_email", "")


def test_nothing_of_the_person_is_shown(operator: Console, service: Service, module_env: Environment) -> None:
    email = an_email()
    changes: dict[str, Any] = {"email": email, "firstName": "Canaryfirst", "lastName": "Canarylast"}
    task_id = service.create(**changes).json()["task"]["id"]
    service.result(task_id)
    batch_id = BatchClient(service).done(lines(a_row(**changes, status="ACTIVE")), name="Canaryname")["id"]
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        member = client.zrange(f"intake:batch:{batch_id}:chunks", 0, -1)[0]
    chunk_id = member.decode().split(" ")[1]
    shown = "".join(
        operator.get("find", id=asked).text for asked in (task_id, batch_id, f"{batch_id}:1", chunk_id)
    ) + json.dumps(operator.look())
    assert "accepted" in shown
    for secret in (email, email.upper(), "Canary", "canary", CANARY, "argon2", "tester", "sealed"):
        assert secret not in shown


def test_a_batch_is_found_with_its_progress(operator: Console, service: Service) -> None:
    summary = BatchClient(service).done(lines(a_row(), a_row(), b"[]"))
    result = found(operator, summary["id"])
    assert (result["kind"], result["state"]) == ("batch", "DONE")
    assert (result["rows"], result["finished"], result["may_cancel"]) == (3, 3, False)
    assert result["counted"] == {"created": 2, "validation_error": 1}
    assert steps(result)[0] == "accepted"


@pytest.mark.parametrize("separator", [":", " ", "/", ":row "])
def test_a_row_is_found_by_its_line(operator: Console, service: Service, separator: str) -> None:
    batch_id = BatchClient(service).done(lines(a_row(), b"", b"[]"))["id"]
    assert found(operator, f"{batch_id}{separator}1")["outcome"] == "created"
    result = found(operator, f"{batch_id}{separator}3")
    assert (result["kind"], result["outcome"], result["batch"]) == ("row", "validation_error", batch_id)
    assert steps(result) == ["accepted", "started", "finished"]
    assert found(operator, result["chunk"])["kind"] == "chunk"


def test_a_line_that_is_no_row_is_not_found(operator: Console, service: Service) -> None:
    batch_id = BatchClient(service).done(lines(a_row(), b"", a_row()))["id"]
    assert operator.get("find", id=f"{batch_id}:2").status_code == 404
    assert operator.get("find", id=f"{batch_id}:99").status_code == 404


def test_a_task_that_waits_says_so(without_worker: Console, scripts_without_worker: Scripts) -> None:
    task_id = new_task_id()
    scripts_without_worker.accept(task_id)
    assert steps(found(without_worker, task_id)) == ["accepted", "waiting"]


def test_a_task_that_a_worker_has_says_so(without_worker: Console, scripts_without_worker: Scripts) -> None:
    task_id = new_task_id()
    scripts_without_worker.accept(task_id)
    scripts_without_worker.started(task_id, lease_milliseconds=60_000)
    assert steps(found(without_worker, task_id)) == ["accepted", "started", "held"]


def test_a_dead_letter_is_found_with_its_reason(without_worker: Console, scripts_without_worker: Scripts) -> None:
    task_id = new_task_id()
    scripts = scripts_without_worker
    scripts.accept(task_id)
    scripts.started(task_id, delivery="one")
    scripts.park(task_id, delivery="one", reason="too_many_starts", detail="a detail")
    result = found(without_worker, task_id)
    assert (result["reason"], result["detail"], result["is_dead"]) == ("too_many_starts", "a detail", True)
    assert steps(result) == ["accepted", "started", "dead_letter"]


def test_a_dead_letter_that_was_sent_again_finished_once(
    without_worker: Console, scripts_without_worker: Scripts
) -> None:
    task_id = new_task_id()
    scripts = scripts_without_worker
    scripts.accept(task_id)
    for delivery in ("one", "two"):
        scripts.started(task_id, delivery=delivery)
        scripts.park(task_id, delivery=delivery)
        scripts.requeue(task_id)
    scripts.started(task_id)
    scripts.finish(task_id)
    assert [each["times"] for each in found(without_worker, task_id)["steps"] if each["what"] == "finished"] == [1]


def test_a_chunk_of_which_a_dead_letter_was_sent_again_has_not_finished(
    without_worker: Console, scripts_without_worker: Scripts
) -> None:
    batches = Batches(scripts_without_worker.client)
    chunk_id, part_id = new_task_id(), new_task_id()
    batches.accept(batches.open(), chunk_id)
    batches.started(chunk_id)
    row = RefusedRow(2, part_id, "a_reason", "")
    batches.finish(chunk_id, counts={"created": 3, "internal_error": 1}, refused=[row])
    assert steps(found(without_worker, chunk_id)) == ["accepted", "started", "finished"]
    batches.requeue(part_id)
    assert steps(found(without_worker, chunk_id)) == ["accepted", "started", "waiting"]


@pytest.mark.parametrize("asked", ["", "x", "0" * 22, "0" * 21, "0" * 22 + ":1", "../x", "*", "0" * 5000, "é" * 22])
def test_what_is_not_there_is_not_found(operator: Console, asked: str) -> None:
    assert operator.get("find", id=asked).status_code == 404
