"""How long after its outcome a signup is told to an endpoint."""

from __future__ import annotations

import json
import statistics
import sys
from typing import TYPE_CHECKING, Any, Final

from bench.driver import at_rate
from bench.service import Service
from bench.waiting import wait_while
from local_stack.process import ManagedProcess
from schemas.protocol.webhook_keys import EndpointField, endpoint_key

if TYPE_CHECKING:
    from pathlib import Path

_LISTENER: Final = "listen"
"""The endpoint's name in the file that the listener writes."""

_BEFORE: Final = 20
"""Signups before those that count."""


def webhooks(folder: Path, *, per_second: float, seconds: float) -> dict[str, Any]:
    """Signups arrive at a rate, and `customer-intake webhooks listen` receives what became of them.

    The delays are those that the listener tells: from the outcome, by Redis' clock, to the signature that it verified.
    """
    file = folder / "webhooks.toml"
    command = [sys.executable, "-m", "cli.main", "webhooks", "listen", "--json", "--port", "0", "--file", str(file)]
    listener = ManagedProcess("listener", command, log_path=folder / "listener.log")
    with Service(folder / "service") as service:
        service.start_worker()
        listener.start()
        try:
            wait_while(lambda: not file.exists(), [listener])
            notifier = service.start_notifier(file)
            with service.redis_client() as client:
                known = (endpoint_key(_LISTENER), EndpointField.SINCE)
                wait_while(lambda: not client.hexists(*known), [notifier, listener])
            service.warm_up(_BEFORE)
            wait_while(lambda: len(_delays(listener)) < _BEFORE, [notifier, listener])
            target = service.target()
            load = at_rate(target.port, target.signups("told"), per_second=per_second, seconds=seconds)
            wait_while(lambda: len(_delays(listener)) < _BEFORE + len(load.latencies), [notifier, listener])
            delays = _delays(listener)[_BEFORE:]
        finally:
            listener.kill()
    return {
        "offered_per_second": per_second,
        "delivered": len(delays),
        "p50_ms": statistics.median(delays),
        "p99_ms": sorted(delays)[int(0.99 * len(delays))],
        "most_ms": max(delays),
        "statuses": load.statuses,
    }


def _delays(listener: ManagedProcess) -> list[float]:
    """The delays of all webhooks that were verified, in milliseconds, in their order."""
    lines = [json.loads(line) for line in listener.log_path.read_text().splitlines() if line.endswith("}")]
    return [each["milliseconds"] for each in lines if not each["fault"] and not each["again"]]
