"""A chunk that was received is worked by a thread, put back, or let go."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import pytest
from structlog.testing import capture_logs

from schemas.ids import new_task_id
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.steps.working import Delivery, Started
from startup.tracing.tracing import Span, SpanKind, Tracing
from tests.support.waiting import wait_until
from worker.consuming.chunks import Chunks
from worker.customer.task_group import FAILED
from worker.dependencies.errors import GiveBackError
from worker.promise.leases import Leases
from worker.traces import Traces

if TYPE_CHECKING:
    import redis

TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Work:
    """Work on chunks that lasts until the test ends it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.released: list[str] = []
        self.may_end = threading.Event()
        self.error: Exception | None = None

    def run(self, delivery: Any, _work: Any) -> str:
        self.begun.append(delivery.task_id)
        assert self.may_end.wait(20)
        if self.error:
            raise self.error
        return "done"

    def release(self, delivery: Any) -> str:
        self.released.append(delivery.task_id)
        return "written"


class Held:
    """The chunks of a worker, with all that they need."""

    def __init__(self, client: redis.Redis, *, at_once: int = 2) -> None:
        self.work = Work()
        self.leases = Leases(client, lease_seconds=30)
        self.stopping = threading.Event()
        self.put_back: list[str] = []
        use_case: Any = self.work
        self.chunks = Chunks(
            use_case,
            self.leases,
            put_back=self.put_back.extend,
            at_once=at_once,
            stopping=self.stopping,
            traces=Traces(None, CHUNKS),
        )

    def add(self, count: int) -> list[str]:
        task_ids = [new_task_id() for _ in range(count)]
        for task_id in task_ids:
            self.chunks.add(task_id)
        return task_ids


@pytest.fixture
def held(redis_client: redis.Redis) -> Held:
    return Held(redis_client)


def test_a_worker_holds_one_chunk_more_than_it_works_on(held: Held) -> None:
    assert held.chunks.room == 3
    first, second, third = held.add(3)
    wait_until(lambda: len(held.work.begun) == 2)
    assert set(held.work.begun) == {first, second}
    assert (held.chunks.room, held.leases.count()) == (0, 3)
    held.work.may_end.set()
    wait_until(lambda: held.chunks.room == 3)
    assert held.work.begun[-1] == third
    assert held.leases.count() == 0


def test_a_worker_that_stops_begins_no_chunk_and_puts_back_what_waits(held: Held) -> None:
    _, _, *waiting = held.add(5)
    wait_until(lambda: len(held.work.begun) == 2)
    held.stopping.set()
    held.work.error = GiveBackError()
    held.work.may_end.set()
    held.chunks.join(seconds=20)
    held.chunks.put_back_waiting()
    assert held.put_back == waiting
    assert sorted(held.work.released) == sorted(held.work.begun)
    assert held.leases.count() == 0


def test_a_chunk_that_fails_frees_its_thread_and_is_not_given_back(held: Held) -> None:
    held.work.error = RuntimeError("of a test")
    held.work.may_end.set()
    chunks = held.add(5)
    wait_until(lambda: held.chunks.room == 3)
    assert sorted(held.work.begun) == sorted(chunks)
    assert (held.work.released, held.put_back, held.leases.count()) == ([], [], 0)


def test_a_chunk_for_which_there_is_no_thread_is_let_go_and_the_next_one_is_worked(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    held.work.may_end.set()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            held.add(1)
    assert (held.chunks.room, held.leases.count()) == (3, 0)
    after = held.add(1)
    wait_until(lambda: held.work.begun == after)


def traced_chunks(client: redis.Redis, error: Exception) -> tuple[Chunks, list[Span]]:
    """Work on chunks of a trace ends with this error once it has begun. The spans are those that are recorded."""

    class TakenAndEnded(Work):
        def run(self, delivery: Any, work: Any) -> str:
            work.taken(delivery, Started(b"", "fp", 1, 0.0, 1, TRACEPARENT))
            raise error

    use_case: Any = TakenAndEnded()
    spans: list[Span] = []
    chunks = Chunks(
        use_case,
        Leases(client, lease_seconds=30),
        put_back=lambda _: None,
        at_once=2,
        stopping=threading.Event(),
        traces=Traces(Tracing(0, spans.append, lambda: None), CHUNKS),
    )
    return chunks, spans


def test_the_line_of_a_chunk_that_is_given_back_names_its_trace(redis_client: redis.Redis) -> None:
    chunks, _ = traced_chunks(redis_client, GiveBackError())
    task_id = new_task_id()

    with capture_logs() as lines:
        chunks.work(Delivery(task_id, "a"))

    (line,) = [line for line in lines if line["event"] == "chunk"]
    assert (line["task_id"], line["trace_id"]) == (task_id, TRACEPARENT[3:35])


def test_the_spans_of_a_start_that_fails_in_a_way_that_nobody_foresaw_are_recorded(redis_client: redis.Redis) -> None:
    chunks, spans = traced_chunks(redis_client, ValueError())

    with pytest.raises(ValueError):  # noqa: PT011 - it is the one above
        chunks.work(Delivery(new_task_id(), "a"))

    assert [span.error for span in spans if span.kind is SpanKind.CONSUMER] == [FAILED]
