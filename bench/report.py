"""Reports what a run found: medians with their spread, as a table and as JSON."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local_stack import binaries
from worker.settings import usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESULTS: Final = Path(__file__).parent / "results"
"""Where reports are written."""

_VERSIONS_OF: Final = (
    "argon2-cffi",
    "celery",
    "fastapi",
    "kombu",
    "pymongo",
    "redis",
    "taskiq",
    "taskiq-redis",
    "uvicorn",
)
"""The packages whose versions a report names."""

COMPARED: Final = {"end-to-end": "customer-intake", "peer-fastapi-celery": "FastAPI + Celery", "peer-taskiq": "taskiq"}
"""The benches that are compared, each with its name in the comparison."""


def spread(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The tree of one run's figures, with the median, the least and the most of all runs at each leaf."""
    tree: dict[str, Any] = {}
    for name in dict.fromkeys(name for run in runs for name in run):
        values = [run[name] for run in runs if name in run]
        if isinstance(values[0], dict):
            tree[str(name)] = spread(values)
        else:
            median = float(statistics.median(values))
            tree[str(name)] = {"median": median, "least": float(min(values)), "most": float(max(values))}
    return tree


def provenance() -> dict[str, Any]:
    """The machine, the time, the commit and the versions. Ask before the run, since the code may change during it."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "changed_since_commit": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "machine": _machine(),
        "versions": _versions(),
    }


def document(origin: dict[str, Any], runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The whole report: its origin, and the figures of each bench."""
    return {**origin, "benches": {name: {"runs": len(each), "figures": spread(each)} for name, each in runs.items()}}


def median(report: dict[str, Any], bench: str, *path: str) -> float:
    """One figure's median.

    Raises:
        KeyError: the report does not have it.
    """
    return float(leaf(report, bench, *path)["median"])


def leaf(report: dict[str, Any], bench: str, *path: str) -> dict[str, float]:
    """One figure with its spread."""
    node = report["benches"][bench]["figures"]
    for name in path:
        node = node[name]
    return {name: float(node[name]) for name in ("median", "least", "most")}


def table(report: dict[str, Any]) -> str:
    """For a person: the comparison first, then every figure."""
    machine = report["machine"]
    commit = (report["commit"][:10] or "unknown") + (" with changes" if report["changed_since_commit"] else "")
    lines = [f"{machine['cores']} cores, {machine['processor']}, commit {commit}, {report['at']}"]
    if comparison := list(_comparison(report)):
        lines += ["", *comparison]
    for name, bench in report["benches"].items():
        lines += ["", f"{name} ({bench['runs']} runs: median, least, most)"]
        lines += [
            f"  {figure:52} {values['median']:12.3f} {values['least']:12.3f} {values['most']:12.3f}"
            for figure, values in _leaves(bench["figures"])
        ]
    return "\n".join(lines)


def _comparison(report: dict[str, Any]) -> Iterator[str]:
    """A table that compares the service with its peers."""
    there = {bench: name for bench, name in COMPARED.items() if bench in report["benches"]}
    if not there:
        return
    yield f"{'medians':58}" + "".join(f"{name:>18}" for name in there.values())
    rows = {
        "signups/s, end to end": ("per_second",),
        "share of what the cores hash": ("share_of_hash_limit",),
        "hash's share of the cores' time that others leave": ("share_of_cores", "hash_of_what_others_leave"),
        "CPU beside the hash, ms a signup": ("cpu_ms_beside_hash",),
    }
    for label, path in rows.items():
        yield f"  {label:56}" + "".join(f"{median(report, bench, *path):18.2f}" for bench in there)
    alone = {"signups/s with a trivial hash": "trivial_hash_per_second", "accepts/s alone": "accepts_alone_per_second"}
    ours = {"trivial_hash_per_second": "trivial-hash", "accepts_alone_per_second": "accepts"}
    for label, figure in alone.items():
        cells = ""
        for bench in there:
            source, path = (ours[figure], ("per_second",)) if bench == "end-to-end" else (bench, (figure,))
            cells += f"{median(report, source, *path):18.2f}" if source in report["benches"] else f"{'-':>18}"
        yield f"  {label:56}{cells}"


def _leaves(tree: dict[str, Any], before: str = "") -> Iterator[tuple[str, dict[str, float]]]:
    for name, value in tree.items():
        if "median" in value:
            yield f"{before}{name}", value
        else:
            yield from _leaves(value, f"{before}{name}.")


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": usable_cores(),
        "processor": _processor(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "redis-server": _first_line(str(binaries.redis_server())),
        "mongod": _first_line(str(binaries.mongod())),
        **{name: version(name) for name in _VERSIONS_OF},
    }


def _first_line(program: str) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (told.stdout or "unknown").splitlines()[0]


def _git(*arguments: str) -> str:
    try:
        told = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
        )
    except OSError:
        return ""
    return told.stdout.strip()
