"""Tells how far a run is: a bar with rate and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli.submission.summary import in_one_line
from cli.tell import tell

if TYPE_CHECKING:
    from rich.progress import Task

    from cli.importing.reading.input_file import InputFile
    from cli.submission.row_results import RowResults
    from cli.submission.submission import Submission

_ELSEWHERE_SECONDS: Final = 30.0
"""How often progress is told where it adds a line each time."""
_SHOWN_SECONDS: Final = 0.1
"""How often the bar is given new figures."""
_RATE_SECONDS: Final = 30.0
"""Of how many last seconds the rate of the bar is."""


class Told:
    """Tells of one run. Call `tell_if_due` often, and `close` before anything else is told."""

    def __init__(self, results: RowResults, source: InputFile, *, beside_lines: bool) -> None:
        """`beside_lines`: whether results are written to the same terminal. They tell how far it is, without a bar."""
        self._results = results
        self._source = source
        self._bar = _bar() if sys.stderr.isatty() and not beside_lines else None
        self._task = self._bar.add_task("sending", total=None) if self._bar else None
        self._is_sending = True
        self._started_at = self._told_at = time.monotonic()
        self._told_trouble = ""
        self.run: Submission | None = None

    def tell_if_due(self) -> None:
        """Tell it unless that was done just now. New trouble is told at once."""
        if self.run is None:
            return
        now = time.monotonic()
        every_seconds = _SHOWN_SECONDS if self._bar else _ELSEWHERE_SECONDS
        if now - self._told_at < every_seconds and self.run.trouble in {"", self._told_trouble}:
            return
        self._told_at, self._told_trouble = now, self.run.trouble
        if self._bar is None:
            self._tell_line(now, self.run)
        else:
            self._show(self._bar, self.run)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def _tell_line(self, now: float, run: Submission) -> None:
        done, rows = self._results.written, self._results.accepted
        rate = done / max(now - self._started_at, 1e-9)
        left = f", {(rows - done) / rate:,.0f} s left" if rate and rows > done else ""
        sending = f", {run.sent_bytes / 1_000_000:,.1f} MB sent" if run.is_sending else ""
        trouble = f" (trying again: {run.trouble})" if run.trouble else ""
        tell(f"{done:,} done, {rate:,.0f}/s{left}{sending}{trouble}: {in_one_line(self._results)}")

    def _show(self, bar: Progress, run: Submission) -> None:
        assert self._task is not None  # noqa: S101 # a bar has one
        if run.is_sending:
            words, done, total = "sending", self._source.read_bytes, self._source.size
        else:
            words, done, total = "creating", self._results.written, self._results.accepted
        if run.is_sending != self._is_sending:
            # Bytes and rows have rates of their own.
            self._is_sending = run.is_sending
            bar.reset(self._task)
        bar.update(
            self._task,
            completed=done,
            total=total,
            description=f"{words}, trying again: {run.trouble}" if run.trouble else words,
            unit="B" if run.is_sending else "rows",
        )


class _Done(ProgressColumn):
    """How much is done, of how much, and how fast."""

    def render(self, task: Task) -> Text:
        """See ProgressColumn."""
        scale, unit = (1_000_000, "MB") if task.fields.get("unit", "B") == "B" else (1, "rows")
        total = f" of {task.total / scale:,.0f}" if task.total else ""
        rate = f", {task.speed / scale:,.0f}/s" if task.speed else ""
        return Text(f"{task.completed / scale:,.0f}{total} {unit}{rate}")


def _bar() -> Progress:
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Done(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
        speed_estimate_period=_RATE_SECONDS,
    )
    bar.start()
    return bar
