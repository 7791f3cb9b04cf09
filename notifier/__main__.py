"""`python -m notifier`: the process that sends webhooks."""

from __future__ import annotations

import asyncio
import os
import sys

import uvloop

from notifier.app import run_notifier
from notifier.settings import read_notifier_settings
from startup.environment import SettingsError
from startup.known_settings import tell_unknown_settings
from startup.logs import configure_logs
from startup.process import prepare_service, refuse


def main() -> int:
    """Read the settings and send. Returns the exit status: 2 where the settings do not let it send."""
    prepare_service("notifier")
    try:
        settings = read_notifier_settings(os.environ)
    except SettingsError as error:
        tell_unknown_settings(os.environ)
        return refuse("notifier", error)
    configure_logs(level=settings.log_level, log_format=settings.log_format, component="notifier")
    tell_unknown_settings(os.environ)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_notifier(settings))
    except SettingsError as error:
        return refuse("notifier", error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
