"""What one signup costs beside its hash: medians of docs/performance.json.

Written by `python -m bench costs docs/performance.json`; not by hand.
"""

from __future__ import annotations

from typing import Final

HASH_MILLISECONDS: Final = 19.28
"""CPU of one hash on the measured machine, with all cores hashing."""
WORKER_MILLISECONDS: Final = 0.86
"""CPU of the worker for one signup, beside the hash."""
ACCEPT_MILLISECONDS: Final = 0.10
"""CPU of the shim for one accept."""
READ_MILLISECONDS: Final = 0.07
"""CPU of the shim for one reading of a result."""
REDIS_MILLISECONDS: Final = 0.31
"""CPU of Redis for one signup."""
MONGODB_MILLISECONDS: Final = 0.28
"""CPU of MongoDB for one signup."""
SHIM_MIB: Final = 73.94
"""Memory of a shim process that is at work."""
WORKER_MIB: Final = 93.10
"""Memory of a worker process without its hashes."""
WORKER_HASH_MIB: Final = 21.81
"""Memory of each hash that a worker has in flight."""
WAITING_KIB: Final = 1.82
"""Memory of Redis for a task that waits."""
OUTCOME_KIB: Final = 0.98
"""Memory of Redis for an outcome that can be read."""
CUSTOMER_KIB: Final = 0.44
"""Disk of MongoDB for one customer."""
