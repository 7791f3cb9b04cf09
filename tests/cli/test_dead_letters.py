"""`customer-intake dead-letters` shows an operator everything about a dead letter but the content of its request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis
from click.testing import CliRunner

from cli.main import main
from local_stack.ports import free_port
from schemas.ids import new_task_id
from schemas.protocol.keys import Field, State, record_key
from schemas.protocol.steps.chunk_working import RefusedRow
from schemas.sealing import Sealer, generate_key_pair, parse_public_key
from tests.support.batches import Batches
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from click.testing import Result

CANARY: Final = "canary-4711"
PAIR: Final = generate_key_pair()


class Operator:
    """A person at a terminal, and a service that has parked tasks."""

    def __init__(self, environment: Mapping[str, str], client: redis.Redis) -> None:
        self._environment = {"INTAKE_REDIS_URL": environment["INTAKE_REDIS_URL"]}
        self.scripts = Scripts(client)
        self.batches = Batches(client)
        self.output = ""

    def a_chunk(self, batch_id: str) -> str:
        """Accept a chunk of four rows and start it. Returns its id."""
        chunk_id = new_task_id()
        sealer = Sealer(*parse_public_key(PAIR.public_line.encode()))
        self.batches.accept(batch_id, chunk_id, sealed=sealer.seal(task_id=chunk_id, body=CANARY.encode()))
        self.batches.started(chunk_id)
        return chunk_id

    def park_rows(self, batch_id: str, *places: int) -> list[str]:
        """Make dead letters of single rows of a chunk. Its other rows are created. Returns the ids."""
        chunk_id = self.a_chunk(batch_id)
        parts = [RefusedRow(place, new_task_id(), "refused_by_validator", "an index") for place in places]
        counts = {"created": 4 - len(parts), "internal_error": len(parts)}
        assert self.batches.finish(chunk_id, counts=counts, refused=parts) == "written"
        return [part.part_id for part in parts]

    def park(self, *, reason: str = "too_many_starts") -> str:
        task_id = new_task_id()
        sealer = Sealer(*parse_public_key(PAIR.public_line.encode()))
        body = f'{{"password": "{CANARY}"}}'.encode()
        self.scripts.accept(task_id, sealed=sealer.seal(task_id=task_id, body=body), caller="somebody")
        self.scripts.start(task_id)
        self.scripts.park(task_id, reason=reason)
        return task_id

    def run(self, *arguments: str, typed: str = "", url: str = "") -> Result:
        environment = {"INTAKE_REDIS_URL": url} if url else self._environment
        result = CliRunner().invoke(main, ["dead-letters", *arguments], env=environment, input=typed)
        self.output += result.output
        return result

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def operator(isolated_env: Mapping[str, str]) -> Iterator[Operator]:
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"], protocol=2) as client:
        operator = Operator(isolated_env, client)
        yield operator
        assert CANARY not in operator.output


def test_all_dead_letters_are_listed_the_oldest_first(operator: Operator) -> None:
    parked = [operator.park(), operator.park(reason="unknown_sealing_key")]
    listed = operator.lines("list")
    assert [line["id"] for line in listed] == parked
    assert [line["reason"] for line in listed] == ["too_many_starts", "unknown_sealing_key"]
    shown = operator.run("list")
    assert shown.stdout.splitlines()[0].startswith(parked[0])
    assert "2 dead letters" in shown.stderr


def test_a_dead_letter_is_shown_with_all_but_its_request(operator: Operator) -> None:
    task_id = operator.park()
    (shown,) = operator.lines("show", task_id)
    assert shown["id"] == task_id
    assert (shown["caller"], shown["starts"], shown["sends"]) == ("somebody", 1, 1)
    assert shown["sealing_key"] == PAIR.key_id
    assert set(shown) == {
        "id", "reason", "detail", "accepted_at", "parked_at", "sends", "starts", "caller", "sealing_key",
    }  # fmt: skip
    assert task_id in operator.run("show", task_id).stdout


def test_rows_of_a_batch_are_shown_with_their_place_and_their_lines(operator: Operator) -> None:
    batch_id = operator.batches.open()
    operator.a_chunk(batch_id)
    (row,) = operator.park_rows(batch_id, 2)
    chunk = operator.a_chunk(batch_id)
    assert operator.batches.park(chunk) == "written"

    of_row, of_chunk = operator.lines("list")
    assert (of_row["id"], of_row["reason"], of_row["caller"]) == (row, "refused_by_validator", "me")
    assert (of_row["batches"], of_row["place"], of_row["rows"]) == ([batch_id], 2, 1)
    assert (of_chunk["id"], of_chunk["chunk"], of_chunk["place"], of_chunk["rows"]) == (chunk, chunk, 0, 4)
    assert {of_row["sealing_key"], of_chunk["sealing_key"]} == {PAIR.key_id}
    assert f"rows=1 place=2 batch={batch_id}" in operator.run("list").stdout

    # The first lines of the three chunks are 1, 1001 and 2001.
    assert operator.lines("show", row)[0]["lines"] == {batch_id: "1003+1"}
    assert operator.lines("show", chunk)[0]["lines"] == {batch_id: "2001+4"}


def test_requeued_rows_of_a_batch_have_no_outcome_until_they_are_worked_again(operator: Operator) -> None:
    batch_id = operator.batches.open()
    one, other = operator.park_rows(batch_id, 0, 3)
    signup = operator.park()
    assert operator.batches.read(batch_id).outcomes == {"created": 2, "internal_error": 2}
    assert operator.lines("requeue", one) == [{"id": one, "result": "requeued"}]
    assert operator.batches.read(batch_id).outcomes == {"created": 2, "internal_error": 1}
    assert {line["id"] for line in operator.lines("requeue", "--all")} == {other, signup}
    assert operator.batches.read(batch_id).outcomes == {"created": 2}
    # One is the chunk's own message, which nobody took, and two are those of the rows.
    assert operator.batches.queued() == 3
    assert operator.scripts.open_ids() == {signup}
    started = operator.batches.started(other)
    assert (started.first, started.end, started.starts) == (3, 4, 1)


def test_of_dropped_rows_of_a_batch_only_the_outcome_is_kept(operator: Operator) -> None:
    batch_id = operator.batches.open()
    (row,) = operator.park_rows(batch_id, 1)
    chunk = operator.lines("show", row)[0]["chunk"]
    assert "sealed" in operator.batches.record(chunk)
    assert operator.lines("drop", row, "--yes") == [{"id": row, "result": "dropped"}]
    assert operator.lines("list") == []
    assert operator.batches.record(row) == {}
    assert "sealed" not in operator.batches.record(chunk)
    assert operator.batches.read(batch_id).outcomes == {"created": 3, "internal_error": 1}


def test_the_keys_of_waiting_chunks_and_of_dead_rows_are_still_needed(operator: Operator) -> None:
    batch_id = operator.batches.open()
    operator.park_rows(batch_id, 1, 2)
    operator.a_chunk(batch_id)
    assert operator.lines("keys") == [{"key": PAIR.key_id, "tasks": 3}]


def test_of_an_id_that_is_no_dead_letter_the_command_says_so(operator: Operator) -> None:
    open_task = new_task_id()
    operator.scripts.accept(open_task)
    shown = operator.run("show", open_task)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert f"{open_task} is no dead letter" in shown.stderr
    for command in ("requeue", "drop"):
        result = operator.run(command, open_task, *(["--yes"] if command == "drop" else []))
        assert result.exit_code == 1
        assert "no dead letter" in result.stdout
    assert operator.scripts.open_ids() == {open_task}


def test_a_requeued_task_is_open_again_and_its_starts_count_from_zero(operator: Operator) -> None:
    one, other = operator.park(), operator.park()
    assert operator.lines("requeue", one) == [{"id": one, "result": "requeued"}]
    assert operator.scripts.dead_ids() == {other}
    assert operator.scripts.record(one)["state"] == "PENDING"
    assert operator.scripts.record(one)["starts"] == "0"


def test_all_dead_letters_can_be_requeued_at_once(operator: Operator) -> None:
    parked = {operator.park() for _ in range(3)}
    assert {line["id"] for line in operator.lines("requeue", "--all")} == parked
    assert operator.scripts.open_ids() == parked
    assert operator.run("list").stdout == ""


def test_more_dead_letters_than_a_page_holds_are_each_listed_counted_and_requeued_once(operator: Operator) -> None:
    # They were parked at the same moment, and the first of a page is no dead letter any more.
    task_ids = sorted(new_task_id() for _ in range(1203))
    operator.scripts.accept_all(task_ids)
    operator.scripts.park_all(task_ids)
    operator.scripts.client.hset(record_key(task_ids[0]), Field.STATE, State.PENDING)

    assert [line["id"] for line in operator.lines("list")] == task_ids[1:]
    assert operator.lines("keys") == [{"key": "unknown", "tasks": 1203}]
    result = operator.run("requeue", "--all")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{task_id}  {'requeued' if number else 'no dead letter'}" for number, task_id in enumerate(task_ids)
    ]
    assert operator.scripts.open_ids() == set(task_ids[1:])
    assert operator.run("list").stdout == ""


def test_requeue_wants_either_ids_or_all(operator: Operator) -> None:
    task_id = operator.park()
    assert operator.run("requeue").exit_code == 2
    assert operator.run("requeue", "--all", task_id).exit_code == 2
    assert operator.scripts.dead_ids() == {task_id}


def test_dropping_asks_first(operator: Operator) -> None:
    task_id = operator.park()
    assert operator.run("drop", task_id, typed="n\n").exit_code == 1
    assert operator.scripts.dead_ids() == {task_id}
    assert operator.run("drop", task_id, typed="y\n").exit_code == 0
    assert operator.scripts.dead_ids() == set()
    assert operator.scripts.record(task_id) == {}


def test_for_each_key_the_tasks_that_still_need_it_are_counted(operator: Operator) -> None:
    operator.park()
    operator.park()
    assert operator.lines("keys") == [{"key": PAIR.key_id, "tasks": 2}]


def test_where_redis_is_away_the_command_says_so_without_a_traceback(operator: Operator) -> None:
    result = operator.run("list", url=f"redis://:{CANARY}@127.0.0.1:{free_port()}/0")
    assert result.exit_code == 1
    assert "Redis does not answer" in result.stderr
    assert "Traceback" not in result.output


def test_of_a_wrong_url_the_variable_is_named_and_the_url_not_shown(operator: Operator) -> None:
    result = operator.run("list", url=f"http://:{CANARY}@somewhere")
    assert result.exit_code == 1
    assert "INTAKE_REDIS_URL" in result.stderr
