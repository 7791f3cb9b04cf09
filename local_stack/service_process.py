"""The service's own processes: how a shim and a worker are run, and what they log once they work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local_stack.process import ManagedProcess
from local_stack.readiness import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIM: Final = "api_shim"
"""The module that is run as the shim."""

WORKER: Final = "worker"
"""The module that is run as a worker."""

NOTIFIER: Final = "notifier"
"""The module that is run as the notifier."""

CONSOLE: Final = "console"
"""The module that is run as the operators' page."""

_EVENTS: Final = ("listening", "worker_ready", "notifier_ready")
"""What a shim and a console log once they serve, a worker once it takes tasks, a notifier once it has its endpoints."""

_START_SECONDS: Final = 60.0
"""Far more than either takes, so that a machine that is busy fails no start."""

ROOT: Final = Path(__file__).resolve().parents[1]
"""Where `python -m worker` finds this project and nothing of the caller's directory that is named alike."""


def service_process(
    name: str, module: str, environment: Mapping[str, str], *, log_path: Path, directory: Path = ROOT
) -> ManagedProcess:
    """A process that runs `module` in this environment. Nothing is started yet.

    Args:
        name: what messages call it.
        module: `SHIM`, `WORKER`, `NOTIFIER`, or a module that runs one of them with a fault built in.
        environment: all of it.
        log_path: the file to which its output is added.
        directory: where the module is found; the tests of upgrades run other releases from theirs.
    """
    return ManagedProcess(
        name, [sys.executable, "-m", module], log_path=log_path, environment=environment, directory=directory
    )


def start_service_process(process: ManagedProcess) -> None:
    """Start a process of the service, unless it runs, and wait until its log says that it works.

    It must log at level info. `LocalStack`, where the caller chooses the level, asks the processes themselves.

    Raises:
        NotReadyError: it ended, or did not say so for a minute.
    """
    process.start()
    wait_until_ready(process, lambda: any(map(process.has_logged, _EVENTS)), timeout=_START_SECONDS)
