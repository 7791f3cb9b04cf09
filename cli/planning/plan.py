"""`customer-intake plan`."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click
from pydantic import SecretStr

from cli.planning.capacity import Demand, Plan, reckon
from cli.tell import tell
from passwords.cost import PasswordCost
from passwords.hashing import Argon2Passwords
from startup.shared_settings import IDEMPOTENCY_WINDOW_SECONDS
from worker.settings import EVENTS_KEPT_DAYS, LEAST_MEMORY_KIB_BY_TIME_COST, usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

CALIBRATION_SECONDS: Final = 2.0
"""How long the hash is timed."""

_TIME_COST: Final = 2
"""The default of INTAKE_ARGON2_TIME_COST."""

_DEFAULT_COST: Final = PasswordCost(
    memory_kib=LEAST_MEMORY_KIB_BY_TIME_COST[_TIME_COST], time_cost=_TIME_COST, parallelism=1
)
"""What a hash costs with default settings."""


@click.command()
@click.option("--signups-per-second", required=True, type=click.FloatRange(min=0, min_open=True), help="At the peak.")
@click.option("--cores", type=click.IntRange(min=1), help="Cores for all processes together; default: this machine's.")
@click.option(
    "--hash-milliseconds",
    type=click.FloatRange(min=0, min_open=True),
    help=f"CPU time of one hash; default: timed on this machine for {CALIBRATION_SECONDS:g} s.",
)
@click.option(
    "--reads-per-signup", type=click.FloatRange(min=0), default=1, show_default=True, help="How often a result is read."
)
@click.option(
    "--backlog", type=click.IntRange(min=0), default=100_000, show_default=True, help="Waiting tasks to work off."
)
@click.option(
    "--result-ttl-seconds",
    type=click.IntRange(min=IDEMPOTENCY_WINDOW_SECONDS),
    default=IDEMPOTENCY_WINDOW_SECONDS,
    show_default=True,
    help="INTAKE_RESULT_TTL_SECONDS.",
)
@click.option(
    "--events-kept-days",
    type=click.FloatRange(min=0),
    default=EVENTS_KEPT_DAYS,
    show_default=True,
    help="INTAKE_EVENTS_KEPT_DAYS.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def plan(
    *,
    signups_per_second: float,
    cores: int | None,
    hash_milliseconds: float | None,
    reads_per_signup: float,
    backlog: int,
    result_ttl_seconds: int,
    events_kept_days: float,
    as_json: bool,
) -> None:
    """Work out cores, processes, memory and queue times for a load.

    The hash is timed on this machine. What else a signup costs was measured once (docs/performance.md), and is assumed
    to be slower or faster here by the same factor as the hash.
    """
    if hash_milliseconds is None:
        tell(f"timing the hash for {CALIBRATION_SECONDS:g} s ...")
        hash_milliseconds = time_hash(CALIBRATION_SECONDS)
    demand = Demand(
        signups_per_second=signups_per_second,
        cores=cores or usable_cores(),
        hash_milliseconds=hash_milliseconds,
        reads_per_signup=reads_per_signup,
        backlog=backlog,
        result_ttl_seconds=result_ttl_seconds,
        events_kept_days=events_kept_days,
    )
    found = reckon(demand)
    if as_json:
        click.echo(json.dumps({"demand": asdict(demand), "plan": asdict(found)}))
        return
    for line in _sentences(demand, found):
        click.echo(line)


def time_hash(seconds: float) -> float:
    """CPU milliseconds of one hash at the default cost, timed while all cores of this machine hash."""
    passwords, password = Argon2Passwords(_DEFAULT_COST), SecretStr("calibration")
    cores = usable_cores()
    barrier = threading.Barrier(cores)

    def run(_core: int) -> int:
        barrier.wait()
        until, count = time.monotonic() + seconds, 0
        while not count or time.monotonic() < until:
            passwords.hash(password)
            count += 1
        return count

    with ThreadPoolExecutor(cores) as threads:
        before = time.process_time()
        count = sum(threads.map(run, range(cores)))
        return 1000 * (time.process_time() - before) / count


def _sentences(demand: Demand, found: Plan) -> Iterator[str]:
    busy = found.cores_busy
    yield f"{demand.signups_per_second:g} signups/s, a hash of {demand.hash_milliseconds:.1f} ms, {demand.cores} cores"
    if found.fits:
        yield f"  fits: takes {found.cores_needed} cores, a fifth of them left idle for bursts"
    else:
        yield f"  does NOT fit: takes {found.cores_needed} cores, a fifth of them left idle for bursts"
    yield (
        f"  these cores: {found.signups_per_second_with_room:.1f} signups/s with that room, "
        f"{found.signups_per_second_at_most:.1f} at most"
    )
    yield "  busy cores  " + ", ".join(f"{name} {cores:.2f}" for name, cores in busy.items())
    yield (
        f"  workers     {_processes(found.worker_processes)}, {found.hashes_at_once} hashes at once in each, "
        f"{found.memory_mib['workers']:,.0f} MiB together"
    )
    yield f"  shims       {_processes(found.shim_processes)}, {found.memory_mib['shims']:,.0f} MiB together"
    yield (
        f"  Redis       {100 * found.redis_share_of_its_core:.0f} % of its one core; "
        f"{found.redis_gib['outcomes']:.1f} GiB for outcomes, {found.redis_gib['events']:.1f} GiB for events, "
        f"{found.redis_gib['backlog']:.1f} GiB for the backlog"
    )
    if found.brokers > 1:
        yield f"              more than one Redis bears: partition over {found.brokers}"
    inserts = found.mongodb_inserts_per_second
    yield f"  MongoDB     {inserts:g} inserts/s, {found.mongodb_gib_a_day:.1f} GiB of disk a day"
    drained = "never" if found.drain_seconds is None else f"in {_duration(found.drain_seconds)}"
    yield (
        f"  a backlog of {demand.backlog:,} is worked off {drained} while the load goes on, "
        f"in {_duration(found.drain_seconds_alone)} without"
    )


def _processes(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
