"""`python -m bench [BENCH…]`: run benches, print a table, keep the figures as JSON; and draw what was kept."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import costs
from bench.catalogue import BENCHES
from bench.plotting import plot
from bench.report import RESULTS, document, provenance, table

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> None:
    """One of the subcommands; benches where none is named."""
    arguments = sys.argv[1:]
    subcommands = {"plot": plot.main, "costs": costs.main}
    if arguments and arguments[0] in subcommands:
        subcommands[arguments[0]](Path(arguments[1]))
        return
    _run(arguments)


def _run(arguments: Sequence[str]) -> None:
    options = _parse(arguments)
    chosen = options.benches or [name for name, bench in BENCHES.items() if bench.short or options.all]
    origin = provenance()
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    for turn in range(options.runs):
        # In turn, so that a machine that slows down slows all of them.
        for name in chosen:
            if turn < BENCHES[name].most_runs:
                runs[name].append(_once(name, options))
    report = document(origin, runs)
    print(table(report))
    path = options.json or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{report['commit'][:10]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\n{path}")


def _once(name: str, options: argparse.Namespace) -> dict[str, Any]:
    bench = BENCHES[name]
    sizes = dict(bench.smoke if options.smoke else bench.sizes)
    for option, size in bench.options.items():
        if getattr(options, option) is not None:
            sizes[size] = getattr(options, option)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="intake-bench-") as folder:
        figures = bench.measure(Path(folder), **sizes)
    print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return figures


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Run benches. `plot REPORT` draws a kept report's figures beside it, "
        "`costs REPORT` prints what `customer-intake plan` reckons with.",
    )
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"{', '.join(BENCHES)}; by default the short set")
    parser.add_argument("--all", action="store_true", help="the long ones too")
    parser.add_argument(
        "--runs", type=int, default=1, help="how many runs the medians are of; one where figures hardly vary"
    )
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    parser.add_argument("--json", type=Path, help="where the figures are kept (default: bench/results/)")
    parser.add_argument("--customers", type=int, help="flat-customers: how many are there already (2,000,000)")
    parser.add_argument(
        "--waiting", type=int, help="flat-waiting, viewers: how many tasks wait already (200,000; a million)"
    )
    parser.add_argument("--swept", type=int, help="sweeps: how many tasks wait, are requeued, are lost (1,000,000)")
    parser.add_argument("--hostile-seconds", type=float, help="hostile: how long it is attacked (600)")
    options = parser.parse_args(arguments)
    if unknown := set(options.benches) - set(BENCHES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    return options


if __name__ == "__main__":
    main()
