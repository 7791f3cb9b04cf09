"""`python -m worker`: one worker process."""

from __future__ import annotations

import os
import sys

from startup.environment import SettingsError
from startup.known_settings import tell_unknown_settings
from startup.logs import configure_logs
from startup.process import prepare_service, refuse
from worker.allocator import share_one_arena
from worker.app import build_worker
from worker.process import run
from worker.settings import read_worker_settings


def main() -> int:
    """Read the settings, put the worker together, run it."""
    prepare_service("worker")
    try:
        settings = read_worker_settings(os.environ)
    except SettingsError as error:
        tell_unknown_settings(os.environ)
        return refuse("worker", error)
    configure_logs(level=settings.shared.log_level, log_format=settings.shared.log_format, component="worker")
    tell_unknown_settings(os.environ)
    share_one_arena()
    try:
        return run(build_worker(settings))
    except SettingsError as error:
        return refuse("worker", error)


if __name__ == "__main__":
    sys.exit(main())
