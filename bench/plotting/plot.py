"""`python -m bench plot REPORT`: draws the plots of docs/performance.md, beside the report with their figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bench.plotting.charts import Bar, Box, Line, bar_chart, legend, line_chart
from bench.plotting.svg import Svg
from bench.report import COMPARED, leaf, median

if TYPE_CHECKING:
    from pathlib import Path

_COMPONENTS: Final = {"hash": "the hash", "worker": "worker", "shim": "front", "redis": "Redis", "mongod": "MongoDB"}
"""Each component with its name in the plots."""
_WIDTH: Final = 960
"""Of a plot, in pixels."""


def main(path: Path) -> None:
    """Write `<report>-throughput.svg` and `<report>-latency.svg`."""
    report = json.loads(path.read_text())
    for name, draw in {"throughput": throughput, "latency": latency}.items():
        drawn = path.with_name(f"{path.stem}-{name}.svg")
        drawn.write_text(draw(report))
        print(drawn)


def throughput(report: dict[str, Any]) -> str:
    """How many signups the service and its peers finish, and where the CPU time of one signup goes."""
    svg = Svg(
        _WIDTH,
        420,
        title="Throughput and CPU of one signup",
        description="The service beside two peers, medians with the least and the most of all runs.",
    )
    limit = median(report, "end-to-end", "hash_limit_per_second")
    left, right = Box(16, 16, 448, 180), Box(496, 16, 448, 180)
    bar_chart(
        svg,
        left,
        [_rate(report, bench, "per_second") for bench in COMPARED],
        title="Signups, end to end",
        unit="signups/s",
        limit=("what the cores hash", limit),
    )
    bar_chart(
        svg,
        right,
        [_cpu(report, bench) for bench in COMPARED],
        title="CPU of one signup, and what of it is beside the hash",
        unit="ms of CPU, all processes",
        limit=None,
    )
    bar_chart(
        svg,
        Box(16, 206, 448, 180),
        [_rate(report, *_source(bench, "trivial-hash", "trivial_hash_per_second")) for bench in COMPARED],
        title="Signups with the hash made trivial",
        unit="signups/s",
        limit=None,
    )
    bar_chart(
        svg,
        Box(496, 206, 448, 180),
        [_rate(report, *_source(bench, "accepts", "accepts_alone_per_second")) for bench in COMPARED],
        title="Accepting alone, one front process",
        unit="accepts/s",
        limit=None,
    )
    legend(svg, 300, 408, _COMPONENTS)
    return svg.render()


def latency(report: dict[str, Any]) -> str:
    """How long callers wait for their outcome, by how many arrive a second."""
    svg = Svg(
        _WIDTH,
        440,
        title="Latency against offered load",
        description="From when a request was due to its outcome, with Prefer: wait; medians of the runs.",
    )
    svg.text(70, 28, "From the request to the outcome (Prefer: wait), open-loop arrivals", bold=True)
    points = report["benches"]["latency"]["figures"]["points"]
    lines = []
    for share in ("p50", "p99"):
        placed = sorted((median(report, "latency", "points", name, "offered_per_second"), name) for name in points)
        series = []
        for place, name in placed:
            found = leaf(report, "latency", "points", name, f"{share}_ms")
            series.append((place, found["median"], found["least"], found["most"]))
        lines.append(Line(share, share, series))
    line_chart(
        svg,
        Box(70, 44, 860, 340),
        lines,
        across="offered load, signups/s",
        upwards="latency, ms (logarithmic)",
        level=("the hash alone", median(report, "latency", "hash_alone_ms")),
        limit=("what the cores hash", median(report, "latency", "hash_limit_per_second")),
    )
    return svg.render()


def _source(bench: str, ours: str, theirs: str) -> tuple[str, str]:
    return (ours, "per_second") if bench == "end-to-end" else (bench, theirs)


def _rate(report: dict[str, Any], bench: str, figure: str) -> Bar:
    found = leaf(report, bench, figure)
    name = COMPARED[bench] if bench in COMPARED else COMPARED["end-to-end"]
    value = found["median"]
    return Bar(name, {"rate": value}, f"{value:,.0f}", spread=(found["least"], found["most"]))


def _cpu(report: dict[str, Any], bench: str) -> Bar:
    each = report["benches"][bench]["figures"]["cpu_ms_each"]
    cpu = {"shim" if name == "front" else name: float(value["median"]) for name, value in each.items()}
    hashing = median(report, bench, "cpu_ms_hash")
    parts = {"hash": hashing, "worker": max(0.0, cpu["worker"] - hashing)}
    parts |= {name: cpu[name] for name in ("shim", "redis", "mongod")}
    return Bar(COMPARED[bench], parts, f"+{median(report, bench, 'cpu_ms_beside_hash'):.1f} ms")
