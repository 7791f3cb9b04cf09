"""Finds one task, batch or row by its id, and tells its way so far: steps with times, and nothing of a request."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from console.service.texts import readable
from schemas.batch import line_numbers
from schemas.batch.row_results import unpack_results
from schemas.ids import is_task_id
from schemas.outcome import name_of
from schemas.protocol.batch_keys import CANCELED, PARKED, WAITING, chunks_key
from schemas.protocol.keys import State
from schemas.protocol.steps.batches import read_batch, read_chunks
from schemas.protocol.steps.inspecting import inspect

if TYPE_CHECKING:
    import redis

    from console.service.broker import Broker
    from schemas.protocol.steps.batches import BatchSummary, ChunkView
    from schemas.protocol.steps.inspecting import TaskView

_ROW: Final = re.compile(r"(?P<batch>\w{1,64})[ :/](?:row )?(?P<line>[0-9]{1,12})")
"""How a row is asked for: the batch's id, and the number of the row's line."""

_IN_PLACE_OF_RESULTS: Final = {CANCELED: "canceled", PARKED: "internal_error", WAITING: ""}
"""What stands in place of packed results → the outcome of each row."""


class Finder:
    """Looks things up for an operator."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def find(self, asked: str) -> dict[str, Any] | None:
        """What is known of the task, the batch or the row that `asked` names. None where there is nothing of the kind.

        Raises:
            BrokerAwayError: Redis cannot be asked.
        """
        asked = asked.strip()
        row = _ROW.fullmatch(asked)
        if row is not None and is_task_id(row["batch"]):
            return await self._row(row["batch"], int(row["line"]))
        if not is_task_id(asked):
            return None
        task, batch = await self._broker.run(inspect(asked), read_batch(asked))
        if task is not None:
            return _task(task)
        return None if batch is None else _batch(batch)

    async def _row(self, batch_id: str, line: int) -> dict[str, Any] | None:
        batch, views = await self._broker.run(read_batch(batch_id), read_chunks(batch_id, after=line, most=1))
        if batch is None or not views:
            return None
        place = _place_of(line, views[0])
        if place is None:
            return None
        chunk_id = await self._broker.use(lambda client: _chunk_id(client, batch_id, line))
        (chunk,) = await self._broker.run(inspect(chunk_id)) if chunk_id else (None,)
        steps = [_step("accepted", batch.accepted_at)] if chunk is None else _steps(chunk)
        return {
            "kind": "row",
            "id": f"{batch_id}:{line}",
            "batch": batch_id,
            "chunk": chunk_id,
            "outcome": _outcome_of_row(place, views[0]),
            "steps": steps,
        }


def _task(task: TaskView) -> dict[str, Any]:
    return {
        "kind": "task" if task.rows is None else "chunk",
        "id": task.task_id,
        "state": task.state.value,
        "outcome": readable(task.outcome),
        "customer": readable(task.customer_id),
        "reason": readable(task.reason),
        "detail": readable(task.detail),
        "starts": task.starts,
        "sends": task.sends,
        "rows": task.rows,
        "counted": dict(task.counted),
        "chunk": task.chunk_id,
        "batches": list(task.batch_ids),
        "is_dead": task.state is State.FAILURE,
        "steps": _steps(task),
    }


def _steps(task: TaskView) -> list[dict[str, Any]]:
    """What happened to the task, in the order of time. Of what happened several times, the last one."""
    steps = [_step("accepted", task.accepted_at)]
    if task.sends > 1:
        steps.append(_step("sent_again", task.sent_at, times=task.sends - 1))
    if task.deferred_at is not None:
        steps.append(_step("left_to_others", task.deferred_at))
    if task.missing_at is not None:
        steps.append(_step("missed", task.missing_at))
    if task.started_at is not None:
        steps.append(_step("started", task.started_at, times=task.starts))
    # A chunk that had finished, and of which a dead letter was sent again, still has the time of its first end.
    if task.finished_at is not None and task.state is State.FAILURE:
        steps.append(_step("dead_letter", task.finished_at, times=max(1, task.parked_times)))
    elif task.finished_at is not None and task.state is State.SUCCESS:
        steps.append(_step("finished", task.finished_at))
    steps.sort(key=lambda each: each["at"])
    if task.state not in {State.SUCCESS, State.FAILURE}:
        is_held = task.leased_until is not None and task.leased_until > task.now
        steps.append(_step("held" if is_held else "waiting", None))
    return steps


def _step(what: str, at: int | None, *, times: int = 1) -> dict[str, Any]:
    return {"what": what, "at": at, "times": times}


def _batch(batch: BatchSummary) -> dict[str, Any]:
    steps = [_step("accepted", batch.accepted_at)]
    if batch.finished:
        steps.append(_step("last_row", batch.last_at, times=batch.finished))
    steps.append(_step("finished", batch.finished_at) if batch.finished_at else _step("waiting", None))
    return {
        "kind": "batch",
        "id": batch.batch_id,
        "state": "CANCELED" if batch.canceled else "DONE" if batch.has_ended else "RUNNING",
        "mode": batch.mode,
        "rows": batch.rows,
        "finished": batch.finished,
        "complete": batch.complete,
        "upload_ended": batch.upload_ended,
        "counted": dict(batch.outcomes),
        "may_cancel": not batch.has_ended and not batch.canceled,
        "steps": steps,
    }


def _place_of(line: int, view: ChunkView) -> int | None:
    numbers = line_numbers.decode(view.lines)
    return numbers.index(line) if line in numbers else None


def _chunk_id(client: redis.Redis, batch_id: str, line: int) -> str:
    """The chunk that holds this line: the last one that begins at it or before it."""
    found: Any = client.zrange(chunks_key(batch_id), line, "-inf", byscore=True, desc=True, offset=0, num=1)
    return found[0].decode().split(" ")[1] if found else ""


def _outcome_of_row(place: int, view: ChunkView) -> str:
    """The name of the row's outcome; empty where there is none yet. Narrower ranges come later and count."""
    name = ""
    for each in view.ranges:
        if each.first <= place < each.end:
            if each.results in _IN_PLACE_OF_RESULTS:
                name = _IN_PLACE_OF_RESULTS[each.results]
            else:
                name = name_of(json.loads(unpack_results(each.results)[place - each.first]))
    return "repeated" if name == "created" and view.known else name
