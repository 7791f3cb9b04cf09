"""The chart in a real browser: it draws what is known, and nothing of what nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.console.browsing import Tab

    _Points = list[list[float | None]]

pytestmark = pytest.mark.slow

_CHART = """async ([span, points, now]) => {
  const {Chart} = await import("/chart.js");
  document.querySelector("#page").hidden = false;
  const input = document.querySelector(`input[name=span][value='${span}']`);
  input.checked = true;
  const chart = new Chart();
  chart.add(points, now);
  // uPlot sets its scales once the script is done.
  await new Promise((done) => requestAnimationFrame(done));
  const right = (...marks) => chart.plot.axes[2].values(chart.plot, marks);
  return {
    thinned: chart.thinned,
    x: [chart.plot.scales.x.min, chart.plot.scales.x.max],
    title: document.querySelector("#chart-title").textContent,
    small: right(0, 4000, 8000),
    large: right(0, 2500, 5000, 7500, 10000),
  };
}"""
"""A chart of its own with these points, and what it has made of them."""

_GAP_BEGINS, _GAP_ENDS = 1_199, 2_000
"""The Unix seconds between which nobody kept samples."""


def _drawn(tab: Tab, points: _Points, *, span: int = 3600, now: float = 0) -> dict[str, Any]:
    drawn: dict[str, Any] = tab.page.evaluate(_CHART, [span, points, now])
    return drawn


@pytest.mark.parametrize("span", [300, 900, 3600])
def test_no_line_is_drawn_over_a_time_without_samples(tab: Tab, span: int) -> None:
    before: _Points = [[float(at), 5, 5, 1] for at in range(1_000, _GAP_BEGINS + 1)]
    after: _Points = [[float(at), 7, 7, 9] for at in range(_GAP_ENDS + 1, 2_100)]
    first_behind_it: _Points = [[_GAP_ENDS, None, None, 9]]
    points = before + first_behind_it + after
    at, *values = _drawn(tab, points, span=span)["thinned"]
    in_the_gap = [place for place, each in enumerate(at) if _GAP_BEGINS < each < _GAP_ENDS]
    # A span that begins behind the gap has nothing of it.
    assert len(in_the_gap) == (at[0] < _GAP_BEGINS)
    assert [column[place] for place in in_the_gap for column in values] == [None] * 3 * len(in_the_gap)


def test_the_chart_ends_now_once_nobody_keeps_samples(tab: Tab) -> None:
    points: _Points = [[float(at), 5, 5, 1] for at in range(1_000, 1_100)]
    assert _drawn(tab, points, now=1_100.4)["x"] == [1_099 - 3600, 1_099]
    assert _drawn(tab, points, now=1_700)["x"] == [1_700 - 3600, 1_700]


@pytest.mark.parametrize(("span", "title"), [(300, "The last 5 minutes"), (3600, "The last hour")])
def test_the_title_names_the_span_also_where_the_browser_has_kept_it(tab: Tab, span: int, title: str) -> None:
    drawn = _drawn(tab, [[1_000, 5, 5, 1]], span=span)
    assert (drawn["title"], drawn["x"]) == (title, [1_000 - span, 1_000])


def test_what_waits_has_one_unit_on_its_axis(tab: Tab) -> None:
    drawn = _drawn(tab, [[1_000, 5, 5, 1]])
    assert drawn["small"] == ["0", "4,000", "8,000"]
    assert drawn["large"] == ["0", "2.5 k", "5 k", "7.5 k", "10 k"]
