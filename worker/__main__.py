"""`python -m worker`: one worker process."""

from __future__ import annotations

import os
import sys

from startup.environment import SettingsError
from startup.logs import configure_logs
from startup.process import prepare_service
from worker.allocator import share_one_arena
from worker.app import build_worker
from worker.process import run
from worker.settings import read_worker_settings


def main() -> int:
    """Read the settings, put the worker together, run it."""
    prepare_service("worker")
    try:
        settings = read_worker_settings(os.environ)
        configure_logs(level=settings.shared.log_level, log_format=settings.shared.log_format, component="worker")
        share_one_arena()
        return run(build_worker(settings))
    except SettingsError as error:
        for fault in error.faults:
            print(f"worker: {fault}", file=sys.stderr)  # noqa: T201 - no logs without settings
        return 2


if __name__ == "__main__":
    sys.exit(main())
