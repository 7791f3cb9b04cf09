"""Tells how far a run is: a bar with rate and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from threading import RLock
from typing import TYPE_CHECKING, Final

from tqdm import tqdm

from cli.submission.summary import in_one_line
from cli.tell import tell

if TYPE_CHECKING:
    from cli.importing.reading.input_file import InputFile
    from cli.submission.row_results import RowResults
    from cli.submission.submission import Submission

_ELSEWHERE_SECONDS: Final = 30.0
"""How often progress is told where it adds a line each time."""
_SHOWN_SECONDS: Final = 0.1
"""How often the bar is given new figures."""
_SMOOTHING: Final = 0.007
"""How much the newest figures count for the rate of the bar. So it is about that of the last half a minute."""


class Told:
    """Tells of one run. Call `tell_if_due` often, and `close` before anything else is told."""

    def __init__(self, results: RowResults, source: InputFile, *, beside_lines: bool) -> None:
        """`beside_lines`: whether results are written to the same terminal. They tell how far it is, without a bar."""
        self._results = results
        self._source = source
        self._bar = _Bar() if sys.stderr.isatty() and not beside_lines else None
        self._is_sending = True
        self._started_at = self._told_at = time.monotonic()
        self._told_trouble = ""
        self.run: Submission | None = None

    def tell_if_due(self) -> None:
        """Tell it unless that was done just now. New trouble is told at once."""
        if self.run is None:
            return
        now = time.monotonic()
        every_seconds = _ELSEWHERE_SECONDS if self._bar is None else _SHOWN_SECONDS
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
            self._bar.close()

    def _tell_line(self, now: float, run: Submission) -> None:
        done, rows = self._results.written + run.ahead, self._results.accepted
        rate = done / max(now - self._started_at, 1e-9)
        left = f", {(rows - done) / rate:,.0f} s left" if rate and rows > done else ""
        ahead = f" ({run.ahead:,} behind a row that is not)" if run.ahead else ""
        sending = f", {run.sent_bytes / 1_000_000:,.1f} MB sent" if run.is_sending else ""
        trouble = f" (trying again: {run.trouble})" if run.trouble else ""
        tell(f"{done:,} done{ahead}, {rate:,.0f}/s{left}{sending}{trouble}: {in_one_line(self._results)}")

    def _show(self, bar: _Bar, run: Submission) -> None:
        if run.is_sending:
            words, done, total = "sending", self._source.read_bytes, self._source.size
        else:
            words, done, total = "creating", self._results.written + run.ahead, self._results.accepted
        if run.is_sending != self._is_sending:
            # Bytes and rows have rates of their own.
            self._is_sending = run.is_sending
            bar.begin_anew()
        bar.show(
            f"{words}, trying again: {run.trouble}" if run.trouble else words,
            done,
            total,
            *((1_000_000, "MB") if run.is_sending else (1, "rows")),
        )


class _Bar(tqdm):  # type: ignore[type-arg] # it goes through nothing
    """A line on standard error that goes away: what is done, how much of it, how fast, and how long it still takes."""

    # No thread that looks after bars, and no lock between processes: there is one bar, in one thread.
    monitor_interval = 0
    _lock = RLock()

    def __init__(self) -> None:
        super().__init__(
            desc="sending",
            leave=False,
            dynamic_ncols=True,
            # Where the unit stands, this class writes all figures.
            bar_format="{desc} |{bar}| {unit} {remaining} left",
            unit="",
            smoothing=_SMOOTHING,
            # `show` is called as often as the bar is to change.
            mininterval=0,
            miniters=0,
        )

    def show(self, words: str, done: int, total: int | None, scale: int, unit: str) -> None:
        """Show what is done now."""
        self.total = total
        meter = self.format_dict
        of = f" of {total / scale:,.0f}" if total else ""
        # The first figures come together, and say nothing of the rate.
        rate = f", {meter['rate'] / scale:,.0f}/s" if meter["rate"] and meter["elapsed"] > 1 else ""
        self.set_description_str(words, refresh=False)
        self.unit = f"{done / scale:,.0f}{of} {unit}{rate},"
        self.update(done - self.n)

    def begin_anew(self) -> None:
        """Forget what was done, and how fast."""
        self.unit = ""
        self.reset()
