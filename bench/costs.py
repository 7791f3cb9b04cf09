"""`python -m bench costs REPORT`: the constants that `customer-intake plan` works with.

They go to cli/planning/measured_costs.py.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.report import median

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = '''"""What one signup costs beside its hash: medians of docs/performance.json.

Written by `python -m bench costs docs/performance.json`; not by hand.
"""

from __future__ import annotations

from typing import Final
'''


def main(path: Path) -> None:
    """Print the module."""
    print(module(json.loads(path.read_text())), end="")


def module(report: dict[str, Any]) -> str:
    """The module's text."""
    lines = [f'{name}: Final = {value:.2f}\n"""{meaning}"""' for name, value, meaning in _constants(report)]
    return "\n".join([_HEAD, *lines, ""])


def _constants(report: dict[str, Any]) -> list[tuple[str, float, str]]:
    def of(bench: str, *path: str) -> float:
        return median(report, bench, *path)

    hashing = of("end-to-end", "cpu_ms_hash")
    worker = of("end-to-end", "cpu_ms_each", "worker") - of("end-to-end", "cpu_ms_in_hashes")
    few, many = (of("memory", "worker_mib", f"{count}_hashes", "peak") for count in (1, 8))
    a_hash = (many - few) / 7
    return [
        ("HASH_MILLISECONDS", hashing, "CPU of one hash on the measured machine, with all cores hashing."),
        ("WORKER_MILLISECONDS", worker, "CPU of the worker for one signup, beside the hash."),
        ("ACCEPT_MILLISECONDS", of("accepts", "cpu_ms_each", "shim"), "CPU of the shim for one accept."),
        ("READ_MILLISECONDS", of("reads", "cpu_ms_each", "shim"), "CPU of the shim for one reading of a result."),
        ("REDIS_MILLISECONDS", of("end-to-end", "cpu_ms_each", "redis"), "CPU of Redis for one signup."),
        ("MONGODB_MILLISECONDS", of("end-to-end", "cpu_ms_each", "mongod"), "CPU of MongoDB for one signup."),
        ("SHIM_MIB", of("memory", "shim_mib"), "Memory of a shim process that is at work."),
        ("WORKER_MIB", few - a_hash, "Memory of a worker process without its hashes."),
        ("WORKER_HASH_MIB", a_hash, "Memory of each hash that a worker has in flight."),
        ("WAITING_KIB", of("flat-waiting", "redis_bytes_each") / 1024, "Memory of Redis for a task that waits."),
        ("OUTCOME_KIB", of("trivial-hash", "redis_kib_each"), "Memory of Redis for an outcome that can be read."),
        ("CUSTOMER_KIB", of("flat-customers", "storage_bytes_each") / 1024, "Disk of MongoDB for one customer."),
    ]
