"""`python -m console`: the operators' page."""

from __future__ import annotations

import os
import sys

from console.settings import read_console_settings
from edge.server.uvicorn_server import serve
from startup.environment import SettingsError
from startup.known_settings import tell_unknown_settings
from startup.logs import configure_logs
from startup.process import prepare_service, refuse


def main() -> int:
    """Read the settings and serve. Returns the exit status: 2 where the settings do not let it serve."""
    prepare_service("console")
    try:
        settings = read_console_settings(os.environ)
    except SettingsError as error:
        tell_unknown_settings(os.environ)
        return refuse("console", error)
    configure_logs(level=settings.log_level, log_format=settings.log_format, component="console")
    tell_unknown_settings(os.environ)
    try:
        serve(
            "console.app:create_app_from_environment",
            settings.edge,
            host=settings.host,
            port=settings.port,
            processes=1,
            settings="INTAKE_CONSOLE_HOST, INTAKE_CONSOLE_PORT",
        )
    except SettingsError as error:
        return refuse("console", error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
