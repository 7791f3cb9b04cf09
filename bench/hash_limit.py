"""The most that the machine can hash: argon2id at the default cost, one thread for each core, nothing else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from argon2.low_level import Type, hash_secret

from worker.settings import usable_cores

_ALONE: Final = 10
"""Hashes that are timed one by one."""

_PAUSE: Final = threading.Event()
"""Never set: waiting for it is a pause."""


def _hash() -> None:
    """The service's default cost."""
    hash_secret(
        b"password", b"0123456789abcdef", time_cost=2, memory_cost=19456, parallelism=1, hash_len=32, type=Type.ID
    )


@dataclass(frozen=True)
class HashLimit:
    """The limit that was measured in this run."""

    per_second: float
    cpu_milliseconds: float
    """CPU time of one hash while all cores hash. That is more than alone, since cores share their path to memory."""
    alone_milliseconds: float
    """Wall time of one hash while nothing else runs."""


def measure_hash_limit(seconds: float) -> HashLimit:
    """Hash on all cores for `seconds`."""
    cores = usable_cores()
    counts = [0] * cores
    alone = []
    for _ in range(_ALONE):
        started = time.perf_counter()
        _hash()
        alone.append(time.perf_counter() - started)
    until = time.perf_counter() + seconds

    def run(place: int) -> None:
        while time.perf_counter() < until:
            _hash()
            counts[place] += 1

    cpu, wall = time.process_time(), time.perf_counter()
    threads = [threading.Thread(target=run, args=(place,)) for place in range(cores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return HashLimit(sum(counts) / wall, 1000 * cpu / sum(counts), 1000 * sorted(alone)[_ALONE // 2])


def measure_paced_hash(*, per_second: float, seconds: float) -> float:
    """CPU milliseconds of one hash at this rate of hashes a second: the least that a service needs at that load."""
    count = max(1, int(per_second * seconds))
    with ThreadPoolExecutor(usable_cores()) as pool:
        started, cpu = time.perf_counter(), time.process_time()
        for number in range(count):
            _PAUSE.wait(max(0.0, started + number / per_second - time.perf_counter()))
            pool.submit(_hash)
        pool.shutdown()
        return 1000 * (time.process_time() - cpu) / count
