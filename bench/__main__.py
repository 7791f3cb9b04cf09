"""`python -m bench [measure…]`: run measurements, print a table, keep JSON."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import measures
from bench.peers import measure_peer

if TYPE_CHECKING:
    from collections.abc import Callable

_SMOKE = {"accepts": 200, "end-to-end": 30, "trivial-hash": 100, "peer": 20, "latency_seconds": 2}
_SHORT = {"accepts": 12000, "end-to-end": 900, "trivial-hash": 5000, "peer": 600, "latency_seconds": 15}


def _measures(sizes: dict[str, int]) -> dict[str, Callable[[Path], dict[str, Any]]]:
    return {
        "accepts": partial(measures.accepts, requests=sizes["accepts"]),
        "end-to-end": partial(measures.end_to_end, requests=sizes["end-to-end"], trivial_hash=False),
        "trivial-hash": partial(measures.end_to_end, requests=sizes["trivial-hash"], trivial_hash=True),
        "latency": partial(measures.latency, per_second=20, seconds=sizes["latency_seconds"]),
        "peer-fastapi-celery": partial(measure_peer, "fastapi_celery", requests=sizes["peer"]),
        "peer-taskiq": partial(measure_peer, "taskiq_streams", requests=sizes["peer"]),
    }


def _medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Median, least and most of each figure over the runs."""
    flat = [_flatten(run) for run in runs]
    return {
        name: {
            "median": statistics.median(values),
            "least": min(values),
            "most": max(values),
        }
        for name in flat[0]
        if (values := [run.get(name, 0.0) for run in flat])
    }


def _flatten(tree: dict[Any, Any], before: str = "") -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{before}{name}."))
        else:
            flat[f"{before}{name}"] = float(value)
    return flat


def main() -> None:
    """Run what is asked for; everything by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("measures", nargs="*", help="which; all by default")
    parser.add_argument("--runs", type=int, default=1, help="medians of so many")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    known = _measures(_SMOKE if options.smoke else _SHORT)
    unknown = set(options.measures) - set(known)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = options.measures or list(known)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    for _ in range(options.runs):
        # In turn, so that a machine that slows down slows all of them.
        for name in chosen:
            with tempfile.TemporaryDirectory(prefix="intake-bench-") as folder:
                runs[name].append(known[name](Path(folder)))
    report = {name: _medians(each) for name, each in runs.items()}
    for name, figures in report.items():
        print(f"\n{name} ({options.runs} runs: median, least, most)")
        for figure, values in figures.items():
            print(f"  {figure:34} {values['median']:10.2f} {values['least']:10.2f} {values['most']:10.2f}")
    if options.json:
        document = {"machine": platform.platform(), "python": platform.python_version(), "measures": report}
        options.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
