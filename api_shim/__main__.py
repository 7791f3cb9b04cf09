"""`python -m api_shim`: the HTTP shim, in as many processes as it is told."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from api_shim.settings import read_shim_settings
from edge.server.uvicorn_server import serve
from startup.environment import SettingsError
from startup.known_settings import tell_unknown_settings
from startup.logs import configure_logs
from startup.process import prepare_service, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Read the settings and serve. Returns the exit status: 2 where the settings do not let it serve."""
    prepare_service("shim")
    try:
        settings = read_shim_settings(os.environ)
    except SettingsError as error:
        tell_unknown_settings(os.environ)
        return refuse("api_shim", error)
    configure_logs(level=settings.shared.log_level, log_format=settings.shared.log_format, component="shim")
    tell_unknown_settings(os.environ)
    with _counts_of_several_processes() if settings.processes > 1 else nullcontext():
        try:
            serve(
                "api_shim.app:create_app_from_environment",
                settings.edge,
                host=settings.host,
                port=settings.port,
                processes=settings.processes,
            )
        except OSError as error:
            sentence = f"INTAKE_HOST, INTAKE_PORT: cannot listen there: {error.strerror}"
            return refuse("api_shim", SettingsError([sentence]))
    return 0


@contextmanager
def _counts_of_several_processes() -> Iterator[None]:
    """Make the directory in which several processes keep their counts together, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="intake-metrics-") as counts:
        # Read by prometheus_client when it is imported, which the processes that serve do after this.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
        yield


if __name__ == "__main__":
    sys.exit(main())
