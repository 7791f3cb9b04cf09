"""A small writer of SVG that has what a plot needs. Its pictures can be read on light and on dark pages."""

from __future__ import annotations

from typing import Final, Literal
from xml.sax.saxutils import escape, quoteattr

Anchor = Literal["start", "middle", "end"]

_FILLS: Final = {
    "paper": ("#ffffff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "muted": ("#59636e", "#9198a1"),
    "rate": ("#6f5bb5", "#9d8be0"),
    "hash": ("#afb8c1", "#656c76"),
    "worker": ("#d98200", "#e69f00"),
    "shim": ("#0072b2", "#3d9bdc"),
    "redis": ("#cc4b00", "#e8632a"),
    "mongod": ("#007a5a", "#1fae85"),
}
"""Each class of filled elements with its colour on a light page and on a dark one. The hues of the data are those of
Okabe and Ito, which colour-blind readers can tell apart."""

_STROKES: Final = {
    "axis": ("#59636e", "#9198a1"),
    "grid": ("#e4e8ec", "#262c36"),
    "mark": ("#1f2328", "#e6edf3"),
    "p50": ("#0072b2", "#3d9bdc"),
    "p99": ("#cc4b00", "#e8632a"),
}
"""The same for lines."""


def number(value: float) -> str:
    """A coordinate, rounded to what a screen can show."""
    return f"{value:.1f}".removesuffix(".0")


class Svg:
    """A picture to which elements are added."""

    def __init__(self, width: int, height: int, *, title: str, description: str) -> None:
        self._width, self._height = width, height
        self._elements = [
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(description)}</desc>",
            f"<style>{_style()}</style>",
        ]
        self.rectangle(0, 0, width, height, kind="paper")

    def rectangle(self, x: float, y: float, width: float, height: float, *, kind: str) -> None:
        """A filled rectangle."""
        self._elements.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" class="{kind}"/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, *, kind: str, dashed: bool = False) -> None:
        """A straight line."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
        self._elements.append(f'<line {ends} class="{kind}"{dash}/>')

    def path(self, points: list[tuple[float, float]], *, kind: str) -> None:
        """A line through points, each marked."""
        drawn = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._elements.append(f'<polyline points="{drawn}" class="{kind}" fill="none" stroke-width="2"/>')
        self._elements += [f'<circle cx="{number(x)}" cy="{number(y)}" r="3" class="{kind} paper"/>' for x, y in points]

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: Anchor = "start",
        kind: str = "ink",
        bold: bool = False,
        upwards: bool = False,
    ) -> None:
        """One line of text. `y` is its base line."""
        weight = ' font-weight="600"' if bold else ""
        turn = f' transform="rotate(-90 {number(x)} {number(y)})"' if upwards else ""
        place = f'x="{number(x)}" y="{number(y)}" text-anchor={quoteattr(anchor)}'
        self._elements.append(f'<text {place} class="{kind}"{weight}{turn}>{escape(text)}</text>')

    def render(self) -> str:
        """The picture as the text of a file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self._width} {self._height}" '
            f'width="{self._width}" height="{self._height}" role="img">'
        )
        return "\n".join([head, *self._elements, "</svg>", ""])


def _style() -> str:
    def rules(place: int) -> str:
        fills = "".join(f".{name}{{fill:{colours[place]}}}" for name, colours in _FILLS.items())
        return fills + "".join(f".{name}{{stroke:{colours[place]}}}" for name, colours in _STROKES.items())

    font = "text{font-family:system-ui,sans-serif;font-size:12px}"
    return f"{font}{rules(0)}@media(prefers-color-scheme:dark){{{rules(1)}}}"
