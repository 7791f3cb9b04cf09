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
from startup.tracing.tracing import check_tracing

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Read the settings and serve. Returns the exit status: 2 where the settings do not let it serve."""
    prepare_service("shim")
    try:
        settings = read_shim_settings(os.environ)
        # Here, since uvicorn would start a process anew for ever that ends for its settings.
        check_tracing(settings.shared.traces, component="shim")
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
                settings="INTAKE_HOST, INTAKE_PORT",
            )
        except SettingsError as error:
            return refuse("api_shim", error)
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
