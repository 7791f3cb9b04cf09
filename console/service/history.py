"""The last hour as a chart shows it: what was accepted and finished a second, and how much waited."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.protocol.steps.overseeing import HISTORY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.protocol.overview import Sample

_LONGEST_GAP_SECONDS: Final = 5.0
"""Between two samples. After a longer gap nobody knows the rate of any second in it."""


class Point(NamedTuple):
    """One second of the chart. Signups and rows of batches count alike."""

    at: float
    """Unix seconds by Redis' clock."""
    accepted: float | None
    """A second, since the point before. None after a gap."""
    finished: float | None
    waiting: int
    """Accepted and without outcome."""


class History:
    """The points of the last hour, in their order."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=HISTORY_SECONDS)
        self._last: Sample | None = None

    @property
    def place(self) -> str:
        """Where the newest sample stands; empty while there is none."""
        return "" if self._last is None else self._last.place

    @property
    def points(self) -> list[Point]:
        """All points."""
        return list(self._points)

    def add(self, samples: Iterable[Sample]) -> list[Point]:
        """Take newer samples in. Returns their points. Where the clock was set back, points above the new time go."""
        known = [] if self._last is None else [self._last]
        after = _order(self.place)
        all_known = [*known, *(each for each in samples if _order(each.place) > after)]
        new = [_point(before, after) for before, after in pairwise(all_known)]
        if all_known:
            self._last = all_known[-1]
        for point in new:
            while self._points and self._points[-1].at >= point.at:
                self._points.pop()
            self._points.append(point)
        return new

    def forget(self) -> None:
        """Begin anew: this Redis holds other samples than the one before."""
        self._points.clear()
        self._last = None


def _order(place: str) -> tuple[int, ...]:
    """By what places are ordered: both numbers of a stream's entry."""
    return tuple(int(number) for number in place.split("-")) if place else ()


def _point(before: Sample, after: Sample) -> Point:
    seconds = (after.at_milliseconds - before.at_milliseconds) / 1000
    accepted = after.signups.accepted + after.rows.accepted - before.signups.accepted - before.rows.accepted
    finished = after.signups.finished + after.rows.finished - before.signups.finished - before.rows.finished
    at, waiting = after.at_milliseconds / 1000, after.signups.open + after.rows.open
    if not 0 < seconds <= _LONGEST_GAP_SECONDS or accepted < 0 or finished < 0:
        return Point(at, None, None, waiting)
    return Point(at, round(accepted / seconds, 1), round(finished / seconds, 1), waiting)
