"""The settings of the edge: how many connections, requests and bytes clients may use, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from startup.environment import EnvironmentReader


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """Limits of HTTP itself. Each holds for one process. Names ending in `_seconds` are in seconds."""

    metrics_host: str
    metrics_port: int
    """The port that serves `/metrics` and nothing else. 0: `/metrics` is served on the port of the methods."""
    maximum_connections: int
    maximum_requests: int
    """How many requests may run at once. Calls that wait for an outcome do not count."""
    maximum_head_bytes: int
    head_seconds: float
    """How long a client may take to send a head. It may also go on sending for so long after its answer."""
    body_seconds: float
    """How long a client may take to send a body that is read whole. See `Bodies.pieces` for the others."""
    write_seconds: float
    """How long a client may leave its answer unread."""
    keep_alive_seconds: int
    """How long an idle connection stays open after an answer."""
    drain_seconds: float
    """How long the process goes on serving after SIGTERM, before it stops listening."""
    shutdown_seconds: int
    """How long the process may take to end after SIGTERM, `drain_seconds` included."""

    @property
    def graceful_seconds(self) -> int:
        """How many seconds open requests have left once the process has stopped listening."""
        return max(1, int(self.shutdown_seconds - self.drain_seconds))


def read_edge_settings(reader: EnvironmentReader) -> EdgeSettings:
    """Read the variables of the edge. The reader collects faults instead of raising them."""
    settings = EdgeSettings(
        metrics_host=reader.text("METRICS_HOST", "127.0.0.1"),
        metrics_port=reader.integer("METRICS_PORT", 0, minimum=0, maximum=65535),
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
