"""Each bench runs, too small to measure anything, and reports the figures that the documents are made from."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import pytest

from bench import costs
from bench.catalogue import BENCHES
from bench.plotting import plot
from bench.report import COMPARED, leaf
from cli.planning import measured_costs

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
_COMPARED: Final = 5
pytestmark = pytest.mark.slow
"""All tests here need one and the same run. Beside other tests that run takes long."""

SVG: Final = "{http://www.w3.org/2000/svg}"

COMPONENTS: Final = ["shim", "worker", "redis", "mongod"]
SHARES: Final = [
    f"share_of_cores.{name}" for name in ("hash_of_all", "hash_of_what_others_leave", "driver", "others", "idle")
]
PEER: Final = [
    *("per_second", "trivial_hash_per_second", "accepts_alone_per_second", "hash_limit_per_second"),
    *("cpu_ms_hash", "cpu_ms_beside_hash", "share_of_hash_limit", *SHARES),
    *(f"cpu_ms_each.{name}" for name in ("front", "worker", "redis", "mongod")),
]
FIGURES: Final = {
    "accepts": ["per_second", "p50_ms", "p99_ms", "cpu_ms_each.shim", "cpu_ms_each.redis", "memory_mib.shim"],
    "end-to-end": [
        *("per_second", "cpu_ms_hash", "cpu_ms_beside_hash", "share_of_hash_limit", "hash_limit_per_second", *SHARES),
        *("cpu_ms_in_hashes", "cpu_ms_outside_hashes"),
        *(f"cpu_ms_each.{name}" for name in COMPONENTS),
    ],
    "trivial-hash": ["per_second", "cpu_ms_all", "redis_kib_each", *(f"cpu_ms_each.{name}" for name in COMPONENTS)],
    "peer-fastapi-celery": PEER,
    "peer-taskiq": PEER,
    "latency": [
        *("hash_alone_ms", "hash_limit_per_second", "cpu_ms_hash", "cpu_ms_beside_hash", "cpu_ms_outside_hashes"),
        *("trivial_hash_one_after_another.p50_ms", "trivial_hash_one_after_another.cpu_ms_all"),
        *(
            f"points.{place}.{figure}"
            for place in ("5_per_second", "20_per_second", "50_percent_of_hash_limit", "90_percent_of_hash_limit")
            for figure in ("offered_per_second", "p50_ms", "p99_ms", "p50_ratio", "p99_ratio", "cpu_ms_each.shim")
        ),
    ],
    "batch-rows": [
        *("accepted_per_second", "accepted_to_single", "per_second", "to_trivial_hash_signups", "to_insert_many"),
        *("known_again_per_second", "duplicates_per_second", "redis_bytes_waiting", "redis_bytes_finished"),
        *("first_result_seconds", "memory_mib.shim", "memory_mib.worker"),
        *(f"cpu_us_each.{name}" for name in COMPONENTS),
    ],
    "batch-hashing": [
        *("per_second", "duplicates_to_creating", "single_p50_ratio", "single_p99_ratio"),
        *("single_alone_p50_ms", "single_beside_p50_ms", "share_of_cores.hash_of_what_others_leave"),
    ],
    "reads": ["per_second", "p50_ms", "p99_ms", "cpu_ms_each.shim"],
    "memory": ["shim_mib", "worker_mib.1_hashes.peak", "worker_mib.8_hashes.peak", "worker_mib.8_hashes.idle"],
    "webhooks": ["offered_per_second", "delivered", "p50_ms", "p99_ms", "most_ms"],
    "viewers": [
        *("waiting", "viewers", "share_of_a_core", "looks_per_viewer_per_second", "script_ms", "script_most_ms"),
    ],
    "copies": [
        f"{name}.{figure}" for name in ("without", "with_a_copy") for figure in ("per_second", "p50_ms", "p99_ms")
    ],
    "celery-events": [
        *("without_per_second", "with_events_per_second", "ratio"),
        *("worker_cpu_ms_without", "worker_cpu_ms_with_events"),
    ],
    "traces": [
        f"{side}{figure}{end}"
        for side, end in (("", "_ratio"), ("off.", ""), ("on.", ""))
        for figure in (
            *("accepts_per_second", "accept_cpu_ms", "per_second", "cpu_ms", "shim_cpu_ms", "worker_cpu_ms"),
            *("hashed_per_second", "hashed_cpu_ms"),
        )
    ],
    "hostile": [
        *("quiet_p50_ms", "quiet_p99_ms", "beside_p50_ms", "beside_p99_ms", "p99_ratio"),
        *("memory_mib_before", "memory_mib_highest", "memory_mib_added"),
    ],
    "flat-customers": [
        *("customers", "storage_bytes_each", "empty_end_to_end_per_second", "full_end_to_end_per_second"),
        *("end_to_end_ratio", "trivial_hash_ratio"),
    ],
    "flat-waiting": [
        *("waiting", "redis_bytes_each", "empty_accepts_per_second", "full_accepts_per_second"),
        *("empty_starts_per_second", "full_starts_per_second", "accepts_ratio", "starts_ratio"),
    ],
    "sweeps": [
        *("tasks", "open.longest_command_ms", "open.sweep_ms_of_redis", "open.bytes_each"),
        *("requeue_all.longest_command_ms", "requeued.longest_command_ms", "requeued.sweep_ms_of_redis"),
        *("expired_leases.longest_command_ms", "expired_leases.sweep_ms_of_redis", "expired_leases.sent_per_second"),
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The JSON of one small run of all benches, and what it printed."""
    folder = tmp_path_factory.mktemp("bench")
    names = list(BENCHES)
    # Two halves run side by side, since nothing is measured here: the benches that are compared, and the others.
    halves = [names[:_COMPARED], names[_COMPARED:]]
    command = [sys.executable, "-m", "bench", "--smoke", "--json"]
    # The peers need developers' packages, which tests hide from the service.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    started = [
        subprocess.Popen(
            [*command, str(folder / f"{number}.json"), *half],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, half in enumerate(halves)
    ]
    try:
        ended = [each.communicate() for each in started]
    finally:
        for each in started:
            # A bench that is interrupted ends its servers and removes its folder. One that has ended ignores this.
            each.send_signal(signal.SIGINT)
            each.wait()
    for each, (_, said) in zip(started, ended, strict=True):
        assert each.returncode == 0, said[-3000:]
    report, others = (json.loads((folder / f"{number}.json").read_text()) for number in range(2))
    return {**report, "benches": report["benches"] | others["benches"]}, "\n".join(table for table, _ in ended)


def test_each_bench_of_the_catalogue_is_known_here() -> None:
    assert set(FIGURES) == set(BENCHES)


@pytest.mark.parametrize("bench", FIGURES)
def test_a_bench_keeps_its_figures_with_their_spread(run: tuple[dict[str, Any], str], bench: str) -> None:
    report, _ = run
    assert report["benches"][bench]["runs"] == 1
    for figure in FIGURES[bench]:
        found = leaf(report, bench, *figure.split("."))
        assert found["least"] <= found["median"] <= found["most"]


@pytest.mark.parametrize("bench", FIGURES)
def test_the_table_has_each_figure(run: tuple[dict[str, Any], str], bench: str) -> None:
    _, table = run
    section = table.partition(f"\n{bench} (")[2].partition("\n\n")[0]
    assert {line.split()[0] for line in section.splitlines()[1:]} >= set(FIGURES[bench])


def test_the_table_compares_the_service_with_its_peers(run: tuple[dict[str, Any], str]) -> None:
    _, table = run
    assert all(name in table.partition("\n\n")[2].partition("\n\n")[0] for name in COMPARED.values())


def test_a_report_tells_where_and_with_what_it_was_measured(run: tuple[dict[str, Any], str]) -> None:
    report, _ = run
    assert {"at", "commit", "changed_since_commit", "command", "machine", "versions"} <= set(report)
    assert {"cores", "processor", "memory_gib", "system"} <= set(report["machine"])
    assert {"python", "redis-server", "mongod", "celery", "taskiq"} <= set(report["versions"])


def test_only_accepted_signups_and_outcomes_were_measured(run: tuple[dict[str, Any], str]) -> None:
    report, _ = run
    statuses = {bench: set(_statuses(each["figures"])) for bench, each in report["benches"].items()}
    assert {bench: found for bench, found in statuses.items() if found} == {
        "accepts": {"202"},
        "end-to-end": {"202"},
        "trivial-hash": {"202"},
        "latency": {"200"},
        "batch-hashing": {"200"},
        "reads": {"200"},
        "webhooks": {"202"},
        "copies": {"202"},
        "hostile": {"202"},
    }


def _statuses(tree: dict[str, Any]) -> Iterator[str]:
    for name, value in tree.items():
        if name == "statuses":
            yield from value
        elif isinstance(value, dict):
            yield from _statuses(value)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (plot.throughput, {*COMPARED.values(), "signups/s", "accepts/s", "ms of CPU, all processes", "worker"}),
        (plot.latency, {"p50", "p99", "the hash alone", "offered load, signups/s", "latency, ms (logarithmic)"}),
    ],
)
def test_plots_are_well_formed_and_say_what_they_show(
    run: tuple[dict[str, Any], str], draw: Any, said: set[str]
) -> None:
    drawn = ET.fromstring(draw(run[0]))  # noqa: S314 - our own text
    _, _, width, height = (float(each) for each in drawn.attrib["viewBox"].split())
    assert said <= {each.text for each in drawn.iter(f"{SVG}text")}
    for each in drawn.iter(f"{SVG}rect"):
        assert 0 <= float(each.attrib["x"]) <= float(each.attrib["x"]) + float(each.attrib["width"]) <= width
    for each in drawn.iter(f"{SVG}circle"):
        assert 0 <= float(each.attrib["cy"]) <= height
    (style,) = drawn.iter(f"{SVG}style")
    assert "prefers-color-scheme:dark" in (style.text or "")


def test_plan_gets_each_cost_that_it_needs(run: tuple[dict[str, Any], str]) -> None:
    made: dict[str, Any] = {}
    exec(costs.module(run[0]), made)  # noqa: S102 - our own text
    names = {name for name in vars(measured_costs) if name.isupper()}
    assert {name for name in made if name.isupper()} == names
    assert all(isinstance(made[name], float) for name in names)
