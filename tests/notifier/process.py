"""A notifier in a process of its own, with a file of endpoints that a test writes."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from schemas.protocol.webhook_keys import EndpointField, endpoint_key
from tests.notifier.samples import SECRET
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.conftest import Running, Starter
    from tests.support.receiver import Received, Receiver

QUICK = {
    "INTAKE_WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8 ::1/128",
    "INTAKE_WEBHOOKS_ALLOW_HTTP": "1",
    "INTAKE_WEBHOOKS_TIMEOUT_SECONDS": "10",
    "INTAKE_WEBHOOKS_RETRY_SECONDS": "0.05",
    "INTAKE_WEBHOOKS_RETRY_MAX_SECONDS": "0.3",
    "INTAKE_WEBHOOKS_GIVE_UP_SECONDS": "3600",
}
"""Settings with which an hour's retries take a second."""


@dataclass
class Notifying:
    """A notifier, and what a test needs beside it."""

    environment: Mapping[str, str]
    file: Path
    start: Starter

    def __post_init__(self) -> None:
        self.client = redis.Redis.from_url(self.environment["INTAKE_REDIS_URL"])
        self.running: Running | None = None

    def write(self, *endpoints: Mapping[str, Any]) -> None:
        """Write the file of endpoints."""
        write_endpoints(self.file, *endpoints)

    def begin(self, *endpoints: Mapping[str, Any], **settings: str) -> Running:
        """Start a notifier with these endpoints, and wait until each of them is known to Redis."""
        self.write(*endpoints)
        self.running = self.start({**self.environment, **QUICK, "INTAKE_WEBHOOKS_FILE": str(self.file)}, **settings)
        for each in endpoints:
            self.until_known(each["name"])
        return self.running

    def until_known(self, name: str) -> None:
        """Wait until the endpoint is sent what happens from now on."""
        wait_until(lambda: self.client.hexists(endpoint_key(name), EndpointField.SINCE), what=f"{name} is known")

    def reread(self) -> None:
        """Let the notifier read the file again."""
        assert self.running is not None
        self.running.process.send(signal.SIGHUP)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of the notifier's log with this event."""
        assert self.running is not None
        lines = [json.loads(line) for line in self.running.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]


def write_endpoints(file: Path, *endpoints: Mapping[str, Any]) -> None:
    """Write a file of endpoints."""
    lines = []
    for each in endpoints:
        lines.append("[[endpoint]]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in each.items()]
    file.write_text("\n".join(lines) + "\n")


def to(receiver: Receiver, *, name: str = "crm", path: str = "/hooks", **more: Any) -> dict[str, Any]:
    """An endpoint of the file that leads to the receiver."""
    return {"name": name, "url": f"http://127.0.0.1:{receiver.port}{path}", "secrets": [SECRET], **more}


def ids(received: list[Received]) -> list[str]:
    """The ids of the events that came."""
    return [each.headers["webhook-id"] for each in received]
