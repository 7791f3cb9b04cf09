"""`python -m console`: the operators' page."""

from __future__ import annotations

import os
import sys

from console.settings import read_console_settings
from edge.server.uvicorn_server import serve
from startup.environment import SettingsError
from startup.logs import configure_logs
from startup.process import prepare_service


def main() -> int:
    """Read the settings and serve. Returns the exit status: 2 where the settings do not let it serve."""
    prepare_service("console")
    try:
        settings = read_console_settings(os.environ)
    except SettingsError as error:
        for fault in error.faults:
            print(f"console: {fault}", file=sys.stderr)  # noqa: T201 - no logs without settings
        return 2
    configure_logs(level=settings.log_level, log_format=settings.log_format, component="console")
    try:
        serve(
            "console.app:create_app_from_environment",
            settings.edge,
            host=settings.host,
            port=settings.port,
            processes=1,
        )
    except OSError as error:
        sentence = f"INTAKE_CONSOLE_HOST, INTAKE_CONSOLE_PORT: cannot listen there: {error.strerror}"
        print(f"console: {sentence}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
