"""The settings of batches: how much may be uploaded, and how long an upload waits for room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from startup.environment import EnvironmentReader


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """The bounds of batches."""

    maximum_bytes: int
    """Of a body, as it comes and as it is decoded."""
    maximum_rows: int
    """Of a batch; 0 for no limit."""
    maximum_open_rows: int
    """Of all batches together: rows that are accepted and have no outcome. 0 for no limit."""
    maximum_open_batches: int
    """Of a caller: batches that have not ended. 0 for no limit."""
    maximum_uploads: int
    """Of a process, at once."""
    wait_seconds: float
    """How long an upload waits for room, or for Redis, before it is refused. Its client is not read from meanwhile."""


def read_batch_settings(reader: EnvironmentReader) -> BatchSettings:
    """Read the settings of batches. The reader collects faults instead of raising them."""
    return BatchSettings(
        maximum_bytes=reader.integer("BATCH_MAX_BYTES", 8 * 1024**3, minimum=1024, maximum=1024**4),
        maximum_rows=reader.integer("BATCH_MAX_ROWS", 10_000_000, minimum=0, maximum=1_000_000_000),
        maximum_open_rows=reader.integer("MAX_OPEN_ROWS", 5_000_000, minimum=0, maximum=1_000_000_000),
        maximum_open_batches=reader.integer("MAX_OPEN_BATCHES", 100, minimum=0, maximum=1_000_000),
        maximum_uploads=reader.integer("MAX_UPLOADS", 64, minimum=1, maximum=10_000),
        wait_seconds=reader.seconds("BATCH_WAIT_SECONDS", 20, minimum=0, maximum=600),
    )
