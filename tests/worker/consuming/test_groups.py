"""A task that was received is worked by a thread of the pool, put back, or let go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from structlog.testing import capture_logs

from schemas.ids import new_task_id
from schemas.protocol.lanes import SIGNUPS
from schemas.protocol.steps.ending import RecordChange
from schemas.protocol.steps.working import Delivery, Started
from startup.tracing.tracing import Span, SpanKind, Tracing
from worker.consuming.groups import Groups
from worker.customer.task_group import FAILED
from worker.dependencies.errors import GiveBackError
from worker.promise.leases import Leases
from worker.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

NO_TRACES: Final = Traces(None, SIGNUPS)
TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_task_for_which_there_is_no_thread_is_let_go_and_the_next_one_is_worked(redis_client: redis.Redis) -> None:
    worked: list[str] = []
    acknowledged: list[str] = []

    class Work:
        def run(self, deliveries: Any, _work: Any) -> list[str]:
            worked.extend(each.task_id for each in deliveries)
            return ["created"] * len(deliveries)

    def no_thread(_job: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    leases = Leases(redis_client, lease_seconds=30)
    put_back: list[str] = []
    groups = Groups(Work(), leases, put_back=put_back.extend, at_once=2, most_tasks=8, traces=NO_TRACES)  # type: ignore[arg-type]
    refused = [new_task_id() for _ in range(3)]
    for task_id in refused:
        with pytest.raises(RuntimeError, match="new thread"):
            groups.add(task_id, acknowledge=partial(acknowledged.append, task_id), run_in_pool=no_thread)
    assert acknowledged == refused
    assert leases.count() == 0

    groups.add(after := new_task_id(), acknowledge=partial(acknowledged.append, after), run_in_pool=lambda job: job())

    assert worked == [after]
    assert acknowledged == [*refused, after]
    assert put_back == []


def test_tasks_that_wait_for_a_thread_in_vain_are_put_back_in_their_order(redis_client: redis.Redis) -> None:
    class NoWork:
        """Fails the test where work is begun."""

    acknowledged: list[str] = []
    put_back: list[str] = []
    leases = Leases(redis_client, lease_seconds=30)
    groups = Groups(NoWork(), leases, put_back=put_back.extend, at_once=2, most_tasks=8, traces=NO_TRACES)  # type: ignore[arg-type]
    received = [new_task_id() for _ in range(5)]
    for task_id in received:
        groups.add(task_id, acknowledge=partial(acknowledged.append, task_id), run_in_pool=lambda _job: None)

    groups.put_back_waiting()
    groups.put_back_waiting()

    assert put_back == acknowledged == received
    assert leases.count() == 0


def test_a_task_that_has_ended_is_not_held_while_another_of_its_group_waits_to_run_alone(
    redis_client: redis.Redis,
) -> None:
    """If the lease of a deferred task were renewed, the worker that can read the task would get it late."""
    leases = Leases(redis_client, lease_seconds=30)
    held: list[int] = []

    class Work:
        def run(self, _deliveries: Any, _work: Any) -> list[str]:
            held.append(leases.count())
            return ["deferred", "created", "alone"]

        def run_alone(self, _delivery: Any, _work: Any) -> str:
            held.append(leases.count())
            return "created"

    groups = Groups(Work(), leases, put_back=lambda _: None, at_once=2, most_tasks=8, traces=NO_TRACES)  # type: ignore[arg-type]
    groups.work([Delivery(new_task_id(), name) for name in "abc"])

    assert held == [3, 1]
    assert leases.count() == 0


def traced_groups(client: redis.Redis, error: Exception) -> tuple[Groups, list[Span]]:
    """Work on tasks of a trace ends with this error once it has begun. The spans are those that are recorded."""

    class Work:
        def run(self, deliveries: Any, work: Any) -> list[str]:
            for each in deliveries:
                work.taken(each, Started(b"", "fp", 1, 0.0, 1, TRACEPARENT))
            raise error

        def release(self, _delivery: Any) -> RecordChange:
            return RecordChange.WRITTEN

    spans: list[Span] = []
    traces = Traces(Tracing(0, spans.append, lambda: None), SIGNUPS)
    leases = Leases(client, lease_seconds=30)
    groups = Groups(Work(), leases, put_back=lambda _: None, at_once=2, most_tasks=8, traces=traces)  # type: ignore[arg-type]
    return groups, spans


def test_the_line_of_a_task_that_is_given_back_names_its_trace(redis_client: redis.Redis) -> None:
    groups, _ = traced_groups(redis_client, GiveBackError())
    task_id = new_task_id()

    with capture_logs() as lines:
        groups.work([Delivery(task_id, "a")])

    (line,) = [line for line in lines if line["event"] == "task"]
    assert (line["task_id"], line["outcome"], line["trace_id"]) == (task_id, "given_back", TRACEPARENT[3:35])


def test_the_spans_of_a_start_that_fails_in_a_way_that_nobody_foresaw_are_recorded(redis_client: redis.Redis) -> None:
    groups, spans = traced_groups(redis_client, ValueError())

    with pytest.raises(ValueError):  # noqa: PT011 - it is the one above
        groups.work([Delivery(new_task_id(), "a")])

    assert [span.error for span in spans if span.kind is SpanKind.CONSUMER] == [FAILED]
