"""Calls to a service that is away for a while, and what it says of that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.contract.service import Service

SECONDS: Final = 60
"""How long the service may be away."""


def accepted(service: Service, key: str) -> str:
    """The task of a signup, which is repeated with its key until it is accepted."""
    tasks: list[str] = []

    def is_accepted() -> bool:
        response = service.create({"idempotency-key": key}, email=f"{key}@example.com")
        if response.status_code == 202:
            tasks.append(response.json()["task"]["id"])
            return True
        assert response.status_code == 503, response.text
        return False

    wait_until(is_accepted, timeout=SECONDS, what="the signup is accepted")
    return tasks[0]


def outcome(service: Service, task_id: str) -> Any:
    """The outcome of a task. While no Redis can be used the call is made again."""
    answers: list[Any] = []

    def is_there() -> bool:
        response = service.result(task_id, wait=5)
        answers.append(response.json())
        return response.status_code == 200

    wait_until(is_there, timeout=SECONDS, what="the task has its outcome")
    return answers[-1]


def missing(service: Service) -> list[str]:
    """What keeps the shim from being ready."""
    response = service.get("/readyz")
    return [] if response.status_code == 200 else list(response.json()["data"]["missing"])


def dead_letters(subcommand: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Call `customer-intake dead-letters` with these settings."""
    command = [str(Path(sys.executable).parent / "customer-intake"), "dead-letters", subcommand]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False)
