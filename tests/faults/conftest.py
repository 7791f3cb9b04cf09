"""Fault tests: real processes are killed, paused and cut off; one checker says whether the promise was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from tests.faults.history import Client, Verdict, check

if TYPE_CHECKING:
    from tests.faults.arena import Arena

_COLUMNS = ("test", "kills", "accepted", "outcomes", "lost", "doubled", "re-sends")
_ROWS = pytest.StashKey[list[tuple[str, ...]]]()


class Judge(Protocol):
    """Collects the outcomes, holds the history against what is stored, and adds a row to the table."""

    def __call__(self, arena: Arena, client: Client, *, seconds: float = 60) -> Verdict: ...


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """Fails the test where the promise was not kept."""

    def run(arena: Arena, client: Client, *, seconds: float = 60) -> Verdict:
        client.collect(seconds=seconds)
        client.close()
        verdict = check(arena, client)
        figures = (arena.kills, verdict.accepted, verdict.outcomes, verdict.lost, verdict.doubled, verdict.resends)
        request.config.stash.setdefault(_ROWS, []).append((request.node.name, *map(str, figures)))
        assert not verdict.problems, "\n".join(verdict.problems[:20])
        assert verdict.accepted, "nothing was accepted: the test tested nothing"
        return verdict

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of docs/reliability.md."""
    rows = config.stash.get(_ROWS, [])
    if rows:
        widths = [max(len(row[column]) for row in (_COLUMNS, *rows)) for column in range(len(_COLUMNS))]
        terminalreporter.section("faults")
        for row in (_COLUMNS, *rows):
            terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
