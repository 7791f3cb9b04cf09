"""Draws bars and lines with axes into a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.plotting.svg import Svg

_BAR: Final = 22
"""The height of a bar, in pixels as the three below."""

_GAP: Final = 14
"""The room between two bars."""

_HEAD: Final = 30
"""The room above all bars."""

_LABELS: Final = 130
"""The room for the names of the bars."""


@dataclass(frozen=True)
class Box:
    """The part of the picture in which a chart is drawn."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Bar:
    """A bar of one or more parts, each of a kind."""

    name: str
    parts: Mapping[str, float]
    note: str
    """The text behind the bar."""
    spread: tuple[float, float] | None = None
    """The least and the most of all runs, for the whole bar."""


@dataclass(frozen=True)
class Line:
    """A series of points: place, median, least, most."""

    name: str
    kind: str
    points: Sequence[tuple[float, float, float, float]]


def bar_chart(
    svg: Svg, box: Box, bars: Sequence[Bar], *, title: str, unit: str, limit: tuple[str, float] | None
) -> None:
    """Horizontal bars from a common zero; `limit` is a named mark across all of them."""
    svg.text(box.x, box.y + 14, title, bold=True)
    left, width = box.x + _LABELS, box.width - _LABELS
    top, bottom = box.y + _HEAD, box.y + _HEAD + len(bars) * (_BAR + _GAP)
    most = max(*(sum(bar.parts.values()) for bar in bars), limit[1] if limit else 0.0)
    # A fifth of the width is for the notes behind the bars.
    ticks = _round_ticks(most)
    scale = 0.8 * width / max(most, ticks[-1])
    for tick in ticks:
        svg.line(left + tick * scale, top, left + tick * scale, bottom, kind="grid")
        svg.text(left + tick * scale, bottom + 15, f"{tick:,g}", anchor="middle", kind="muted")
    svg.text(left + 0.4 * width, bottom + 32, unit, anchor="middle", kind="muted")
    for place, bar in enumerate(bars):
        y = top + _GAP / 2 + place * (_BAR + _GAP)
        svg.text(left - 8, y + _BAR - 7, bar.name, anchor="end")
        x = left
        for kind, value in bar.parts.items():
            svg.rectangle(x, y, value * scale, _BAR, kind=kind)
            x += value * scale
        if bar.spread:
            least, most_of_all = (left + value * scale for value in bar.spread)
            svg.line(least, y + _BAR / 2, most_of_all, y + _BAR / 2, kind="mark")
            for end in (least, most_of_all):
                svg.line(end, y + _BAR / 2 - 4, end, y + _BAR / 2 + 4, kind="mark")
            x = max(x, most_of_all)
        svg.text(x + 6, y + _BAR - 7, bar.note)
    svg.line(left, top, left, bottom, kind="axis")
    if limit:
        name, value = limit
        svg.line(left + value * scale, top - 4, left + value * scale, bottom, kind="mark", dashed=True)
        svg.text(left + value * scale, top - 8, name, anchor="end", kind="muted")


def legend(svg: Svg, x: float, y: float, kinds: Mapping[str, str]) -> None:
    """Colours and what they stand for, in a row."""
    for kind, name in kinds.items():
        svg.rectangle(x, y - 10, 12, 12, kind=kind)
        svg.text(x + 17, y, name)
        x += 32 + 7 * len(name)


def line_chart(
    svg: Svg,
    box: Box,
    lines: Sequence[Line],
    *,
    across: str,
    upwards: str,
    level: tuple[str, float],
    limit: tuple[str, float],
) -> None:
    """Lines over a linear scale across and a logarithmic one upwards; `level` and `limit` are named marks on them."""
    values = [value for line in lines for point in line.points for value in point[1:]] + [level[1]]
    floor, ceiling = _decade_steps(min(values), max(values))
    furthest = max(*(point[0] for line in lines for point in line.points), limit[1])
    right, bottom = box.x + box.width, box.y + box.height

    def across_at(value: float) -> float:
        return box.x + value / (1.05 * furthest) * box.width

    def up_at(value: float) -> float:
        return bottom - math.log(value / floor) / math.log(ceiling / floor) * box.height

    for tick in _log_ticks(floor, ceiling):
        svg.line(box.x, up_at(tick), right, up_at(tick), kind="grid")
        svg.text(box.x - 8, up_at(tick) + 4, f"{tick:,g}", anchor="end", kind="muted")
    for tick in _round_ticks(furthest):
        svg.line(across_at(tick), bottom, across_at(tick), bottom + 4, kind="axis")
        svg.text(across_at(tick), bottom + 18, f"{tick:,g}", anchor="middle", kind="muted")
    svg.line(box.x, bottom, right, bottom, kind="axis")
    svg.line(box.x, box.y, box.x, bottom, kind="axis")
    svg.text(box.x + box.width / 2, bottom + 38, across, anchor="middle", kind="muted")
    svg.text(box.x - 50, box.y + box.height / 2, upwards, anchor="middle", kind="muted", upwards=True)
    svg.line(box.x, up_at(level[1]), right, up_at(level[1]), kind="mark", dashed=True)
    svg.text(box.x + 8, up_at(level[1]) + 15, level[0], kind="muted")
    svg.line(across_at(limit[1]), box.y, across_at(limit[1]), bottom, kind="mark", dashed=True)
    svg.text(across_at(limit[1]) - 6, box.y + 12, limit[0], anchor="end", kind="muted")
    for line in lines:
        for place, _, least, most in line.points:
            svg.line(across_at(place), up_at(least), across_at(place), up_at(most), kind=line.kind)
        svg.path([(across_at(place), up_at(value)) for place, value, _, _ in line.points], kind=line.kind)
        place, value, _, _ = line.points[-1]
        svg.text(across_at(place) + 9, up_at(value) + 4, line.name, bold=True)


def _round_ticks(most: float) -> list[float]:
    """Four to eight round numbers that begin with 0 and end at `most` or just below it."""
    rough = max(most, 1e-9) / 5
    unit = 10 ** math.floor(math.log10(rough))
    step = min((factor * unit for factor in (1, 2, 5, 10)), key=lambda each: abs(each - rough))
    return [step * count for count in range(int(most / step) + 1)]


def _log_ticks(floor: float, ceiling: float) -> list[float]:
    decades = range(math.floor(math.log10(floor)), math.ceil(math.log10(ceiling)) + 1)
    ticks = (factor * 10.0**decade for decade in decades for factor in (1, 2, 5))
    return [tick for tick in ticks if 0.999 * floor <= tick <= 1.001 * ceiling]


def _decade_steps(least: float, most: float) -> tuple[float, float]:
    """The nearest of 1, 2 and 5 times a power of ten, outwards."""
    steps = [factor * 10.0**decade for decade in range(-3, 7) for factor in (1, 2, 5)]
    return max(step for step in steps if step <= least), min(step for step in steps if step > most)
