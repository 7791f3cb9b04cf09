"""The table of verdicts that a run of fault tests closes with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

    from tests.faults.harness.history import Verdict

_FIGURES: Final = ("accepted", "outcomes", "lost", "doubled", "re-sends", "p99 s", "slowest s")


class FaultTable:
    """Rows and notes. Properties of a test's report bring them from the process that ran the test."""

    def __init__(self, title: str, *, counted: str) -> None:
        """`counted` is what the first figure of each row counts."""
        self._title = title
        self._note = f"{title}-note"
        self._columns = ("test", counted, *_FIGURES)
        self._rows: list[tuple[str, ...]] = []
        self._notes: list[str] = []

    def add(self, request: pytest.FixtureRequest, counted: int, verdict: Verdict) -> None:
        """Add a row for this test."""
        counts = (counted, verdict.accepted, verdict.outcomes, verdict.lost, verdict.doubled, verdict.resends)
        waits = (verdict.waits[int(0.99 * len(verdict.waits))], verdict.waits[-1]) if verdict.waits else ()
        figures = [*map(str, counts), *(f"{seconds:.1f}" for seconds in waits)]
        figures += ["-"] * (len(self._columns) - 1 - len(figures))
        request.node.user_properties.append((self._title, "\t".join([request.node.name, *figures])))

    def add_note(self, request: pytest.FixtureRequest, line: str) -> None:
        """Add a line below the table."""
        request.node.user_properties.append((self._note, line))

    def collect(self, report: pytest.TestReport) -> None:
        """Take what a test has added."""
        if report.when == "call":
            properties = report.user_properties
            self._rows.extend(tuple(str(row).split("\t")) for name, row in properties if name == self._title)
            self._notes.extend(str(line) for name, line in properties if name == self._note)

    def print(self, reporter: pytest.TerminalReporter) -> None:
        """Print the table, if a test has added a row."""
        if self._rows:
            rows = [self._columns, *sorted(self._rows)]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            reporter.section(self._title)
            for row in rows:
                reporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
            for line in self._notes:
                reporter.write_line(line)
