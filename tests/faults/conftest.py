"""Fixtures for fault tests. Real processes are killed, paused and cut off, and one checker judges every test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import pytest

from tests.faults.harness.batch_check import check_rows
from tests.faults.harness.history import Client, Verdict, check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.harness.arena import Arena
    from tests.faults.harness.batch_client import ToldRow

_COLUMNS: Final = ("test", "kills", "accepted", "outcomes", "lost", "doubled", "re-sends", "p99 s", "slowest s")
_PROPERTY: Final = "faults"
"""The name of a property of a test's report. It brings a row of the table from the process that ran the test."""

_NOTE: Final = "faults-note"
"""The same for a line below the table."""

_rows: list[tuple[str, ...]] = []
_notes: list[str] = []


class JudgeOfRows(Protocol):
    """Compares the outcomes that a client got for rows with the stored customers, and adds a row to the table."""

    def __call__(self, arena: Arena, batch_id: str, told: Sequence[ToldRow], *, rows: int) -> Verdict: ...


class Judge(Protocol):
    """Collects the outcomes, compares them with the stored customers, and adds a row to the table."""

    def __call__(self, arena: Arena, client: Client, *, seconds: float = 60) -> Verdict: ...


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """Makes the test fail where the promise was not kept."""

    def run(arena: Arena, client: Client, *, seconds: float = 60) -> Verdict:
        client.collect(seconds=seconds)
        client.close()
        return _judged(request, arena, check(arena, client))

    return run


@pytest.fixture
def judge_rows(request: pytest.FixtureRequest) -> JudgeOfRows:
    """Makes the test fail where the promise to a batch was not kept."""

    def run(arena: Arena, batch_id: str, told: Sequence[ToldRow], *, rows: int) -> Verdict:
        return _judged(request, arena, check_rows(arena, batch_id, told, rows=rows))

    return run


def _judged(request: pytest.FixtureRequest, arena: Arena, verdict: Verdict) -> Verdict:
    counts = (arena.kills, verdict.accepted, verdict.outcomes, verdict.lost, verdict.doubled, verdict.resends)
    waits = (verdict.waits[int(0.99 * len(verdict.waits))], verdict.waits[-1]) if verdict.waits else ()
    figures = [*map(str, counts), *(f"{seconds:.1f}" for seconds in waits)]
    figures += ["-"] * (len(_COLUMNS) - 1 - len(figures))
    request.node.user_properties.append((_PROPERTY, "\t".join([request.node.name, *figures])))
    assert not verdict.problems, "\n".join(verdict.problems[:20])
    assert verdict.accepted, "nothing was accepted: the test tested nothing"
    return verdict


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Adds a line below the table."""

    def run(line: str) -> None:
        request.node.user_properties.append((_NOTE, line))

    return run


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the rows in the process that makes the table."""
    if report.when == "call":
        _rows.extend(tuple(str(row).split("\t")) for name, row in report.user_properties if name == _PROPERTY)
        _notes.extend(str(line) for name, line in report.user_properties if name == _NOTE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of docs/evidence.md."""
    if _rows:
        widths = [max(len(row[column]) for row in (_COLUMNS, *_rows)) for column in range(len(_COLUMNS))]
        terminalreporter.section("faults")
        for row in (_COLUMNS, *sorted(_rows)):
            terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
        for line in _notes:
            terminalreporter.write_line(line)
