"""The edge's settings: what a client may take of a shim, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from startup.environment import EnvironmentReader


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """Bounds of HTTP itself. Each holds for one process."""

    metrics_host: str
    metrics_port: int
    """Where `/metrics` answers and nothing else does; 0: beside the methods."""
    docs: bool
    maximum_connections: int
    maximum_requests: int
    """At once, those that wait for an outcome left aside."""
    maximum_head_bytes: int
    head_seconds: float
    """For a whole head; also how long a client may go on sending after its answer."""
    body_seconds: float
    write_seconds: float
    """How long a client may leave unread what was sent to it."""
    keep_alive_seconds: int
    drain_seconds: float
    """How long after SIGTERM the shim goes on serving before it stops listening."""
    shutdown_seconds: int
    """How long after SIGTERM the process may take in all."""

    @property
    def graceful_seconds(self) -> int:
        """What open requests get once the shim has stopped listening."""
        return max(1, int(self.shutdown_seconds - self.drain_seconds))


def read_edge_settings(reader: EnvironmentReader) -> EdgeSettings:
    """Read the edge's variables; faults are left with the reader."""
    settings = EdgeSettings(
        metrics_host=reader.text("METRICS_HOST", "127.0.0.1"),
        metrics_port=reader.integer("METRICS_PORT", 0, minimum=0, maximum=65535),
        docs=reader.flag("DOCS", default=True),
        maximum_connections=reader.integer("MAX_CONNECTIONS", 12_000, minimum=16, maximum=1_000_000),
        maximum_requests=reader.integer("MAX_REQUESTS", 4_096, minimum=1, maximum=1_000_000),
        maximum_head_bytes=reader.integer("MAX_HEAD_BYTES", 16 * 1024, minimum=4096, maximum=64 * 1024),
        head_seconds=reader.seconds("HEAD_SECONDS", 20, minimum=0.1, maximum=600),
        body_seconds=reader.seconds("BODY_SECONDS", 60, minimum=0.1, maximum=600),
        write_seconds=reader.seconds("WRITE_SECONDS", 30, minimum=0.1, maximum=600),
        keep_alive_seconds=reader.integer("KEEP_ALIVE_SECONDS", 75, minimum=1, maximum=3600),
        drain_seconds=reader.seconds("DRAIN_SECONDS", 5, minimum=0, maximum=300),
        shutdown_seconds=reader.integer("SHUTDOWN_SECONDS", 25, minimum=1, maximum=600),
    )
    if settings.drain_seconds >= settings.shutdown_seconds:
        reader.fault("DRAIN_SECONDS", "must be less than INTAKE_SHUTDOWN_SECONDS, of which it is a part")
    return settings
