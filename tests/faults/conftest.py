"""Fixtures for fault tests. Real processes are killed, paused and cut off, and one checker judges every test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import pytest

from tests.faults.harness.batch_check import check_rows
from tests.faults.harness.fault_table import FaultTable
from tests.faults.harness.history import Client, Verdict, check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.harness.arena import Arena
    from tests.faults.harness.batch_client import ToldRow

_TABLE: Final = FaultTable("faults", counted="kills")
"""The table of docs/evidence.md."""


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
    _TABLE.add(request, arena.kills, verdict)
    assert not verdict.problems, "\n".join(verdict.problems[:20])
    assert verdict.accepted, "nothing was accepted: the test tested nothing"
    return verdict


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Adds a line below the table."""

    def run(line: str) -> None:
        _TABLE.add_note(request, line)

    return run


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the rows in the process that makes the table."""
    _TABLE.collect(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of docs/evidence.md."""
    _TABLE.print(terminalreporter)
