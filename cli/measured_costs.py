"""What one signup costs beside its hash: medians of docs/performance.json.

Written by `python -m bench costs docs/performance.json`; not by hand.
"""

from __future__ import annotations

from typing import Final

HASH_MILLISECONDS: Final = 20.19
"""CPU of one hash on the measured machine, with all cores hashing."""
WORKER_MILLISECONDS: Final = 0.67
"""CPU of the worker for one signup, beside the hash."""
ACCEPT_MILLISECONDS: Final = 0.10
"""CPU of the shim for one accept."""
READ_MILLISECONDS: Final = 0.09
"""CPU of the shim for one reading of a result."""
REDIS_MILLISECONDS: Final = 0.33
"""CPU of Redis for one signup."""
MONGODB_MILLISECONDS: Final = 0.29
"""CPU of MongoDB for one signup."""
SHIM_MIB: Final = 74.05
"""Memory of a shim process that is at work."""
WORKER_MIB: Final = 60.18
"""Memory of a worker process without its hashes."""
WORKER_HASH_MIB: Final = 35.48
"""Memory of each hash that a worker has in flight."""
WAITING_KIB: Final = 1.82
"""Memory of Redis for a task that waits."""
OUTCOME_KIB: Final = 0.99
"""Memory of Redis for an outcome that can be read."""
CUSTOMER_KIB: Final = 0.44
"""Disk of MongoDB for one customer."""
