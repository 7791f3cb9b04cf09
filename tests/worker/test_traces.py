"""The spans that a worker records of the tasks of a group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.lanes import SIGNUPS
from schemas.protocol.steps.working import Delivery, Started
from startup.tracing.tracing import Tracing
from worker.traces import HASH, PARK, UNTRACED, Traces

if TYPE_CHECKING:
    from startup.tracing.tracing import Span

SAMPLED: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SAMPLED_TOO: Final = SAMPLED.replace("4bf9", "5bf9")
NOT_SAMPLED: Final = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-00f067aa0ba902b7-00"
ONE, OTHER, THIRD = (Delivery(name, f"delivery-{name}") for name in ("one", "other", "third"))


@dataclass
class Recorded:
    """Traces whose spans are kept."""

    spans: list[Span] = field(default_factory=list)

    def traces(self) -> Traces:
        return Traces(Tracing(0, self.spans.append, lambda: None), SIGNUPS)

    def names(self) -> list[str]:
        return sorted(span.name for span in self.spans)


def _started(traceparent: str, *, starts: int = 1) -> Started:
    return Started(b"", "fp", starts, 2.5, 1, traceparent)


def test_a_task_alone_has_no_group() -> None:
    recorded = Recorded()
    work = recorded.traces().begin()
    work.taken(ONE, _started(SAMPLED))
    with work.stage(HASH, [ONE]):
        pass
    work.end([(ONE, "created")])

    assert recorded.names() == ["hash", "process customer.create", "wait customer.create"]
    (wait,) = [span for span in recorded.spans if span.name.startswith("wait")]
    assert wait.ended_ns - wait.started_ns == 2_500_000_000
    assert {span.context.trace_id for span in recorded.spans} == {SAMPLED[3:35]}


def test_a_stage_is_recorded_for_the_tasks_in_it_alone() -> None:
    recorded = Recorded()
    work = recorded.traces().begin()
    work.taken(ONE, _started(SAMPLED))
    work.taken(OTHER, _started(SAMPLED_TOO))
    with work.stage(HASH, [OTHER]):
        pass
    work.end([(ONE, "validation_error"), (OTHER, "created")])

    (hashed,) = [span for span in recorded.spans if span.name == HASH]
    assert hashed.context.trace_id.startswith("5bf9")


def test_a_group_links_to_each_of_its_tasks_that_is_recorded() -> None:
    recorded = Recorded()
    work = recorded.traces().begin()
    work.taken(ONE, _started(SAMPLED))
    work.taken(OTHER, _started(SAMPLED_TOO))
    work.taken(THIRD, _started(NOT_SAMPLED))
    work.end([(ONE, "created"), (OTHER, "created"), (THIRD, "created")])

    (group,) = [span for span in recorded.spans if span.parent is None]
    assert [link.traceparent for link in group.links] == [SAMPLED, SAMPLED_TOO]
    assert group.attributes["messaging.batch.message_count"] == 3
    assert {span.context.trace_id for span in recorded.spans if span.parent} == {SAMPLED[3:35], SAMPLED_TOO[3:35]}
    assert all(
        group.context in span.links for span in recorded.spans if span.name.startswith("process") and span.parent
    )


def test_of_a_group_with_one_recorded_task_its_own_span_tells() -> None:
    recorded = Recorded()
    work = recorded.traces().begin()
    work.taken(ONE, _started(SAMPLED))
    work.taken(OTHER, _started(""))
    with work.stage(HASH, [OTHER]):
        pass
    work.end([(ONE, "created"), (OTHER, "created")])

    assert recorded.names() == ["process customer.create", "wait customer.create"]
    (process,) = [span for span in recorded.spans if span.name.startswith("process")]
    assert process.attributes["intake.tasks_together"] == 2


def test_of_a_trace_that_is_not_sampled_only_the_logs_tell() -> None:
    recorded = Recorded()
    work = recorded.traces().begin()
    work.taken(ONE, _started(NOT_SAMPLED))
    work.end([(ONE, "created")])

    assert recorded.spans == []
    assert work.fields(ONE) == {"trace_id": "a" * 32}


@pytest.mark.parametrize("kept", ["", "nonsense"])
def test_a_record_without_a_usable_trace_is_worked_like_any_other(kept: str) -> None:
    recorded = Recorded()
    work = recorded.traces().begin()
    work.taken(ONE, _started(kept))
    with work.stage(HASH, [ONE]):
        pass
    work.end([(ONE, "created")])

    assert recorded.spans == []
    assert work.fields(ONE) == {}


@pytest.mark.parametrize(("stage", "ending"), [(PARK, "refused_by_validator"), (HASH, "failed")])
def test_a_dead_letter_and_a_failure_are_errors(stage: str, ending: str) -> None:
    recorded = Recorded()
    work = recorded.traces().begin()
    work.taken(ONE, _started(SAMPLED, starts=2))
    with work.stage(stage, [ONE]):
        pass
    work.end([(ONE, ending)], failures=["failed"])

    (process,) = [span for span in recorded.spans if span.name.startswith("process")]
    assert process.error == ending
    assert process.attributes["intake.starts"] == 2


def test_a_stage_that_raises_is_an_error_with_its_type_alone() -> None:
    recorded = Recorded()
    work = recorded.traces().begin()
    work.taken(ONE, _started(SAMPLED))
    with pytest.raises(ValueError, match="secret"), work.stage(HASH, [ONE]):
        raise ValueError("secret")
    work.end([(ONE, "given_back")], failures=["given_back"])

    assert [span.error for span in recorded.spans if span.name == HASH] == ["ValueError"]


def test_nothing_is_kept_where_traces_are_off() -> None:
    work = Traces(None, SIGNUPS).begin()
    work.taken(ONE, _started(SAMPLED))

    assert work is UNTRACED
    assert work.fields(ONE) == {}
