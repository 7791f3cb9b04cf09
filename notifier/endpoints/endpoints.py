"""The endpoints in force: those of the file as it was when it was last good."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

import structlog

from notifier.endpoints.endpoints_file import LARGEST_FILE, EndpointsFileError, parse_endpoints
from schemas.events import EventType
from startup.environment import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from notifier.endpoints.endpoint import Endpoint

_VARIABLE: Final = "INTAKE_WEBHOOKS_FILE"
"""The setting that names the file."""

log = structlog.get_logger("notifier.endpoints")


class Endpoints:
    """Reads the file when it is told to. A file with a fault changes nothing."""

    def __init__(self, file: Path, *, allow_http: bool, on_faulty: Callable[[bool], None]) -> None:
        """Read the file.

        Args:
            file: the file.
            allow_http: whether endpoints may be without TLS.
            on_faulty: is told after each reading whether the file has a fault.

        Raises:
            SettingsError: it cannot be read, or has a fault.
        """
        self._file = file
        self._allow_http = allow_http
        self._on_faulty = on_faulty
        try:
            self.all = read_endpoints(file, allow_http=allow_http)
        except EndpointsFileError as error:
            raise SettingsError([f"{_VARIABLE}: {fault}" for fault in error.faults]) from None

    def read_again(self) -> bool:
        """Read the file again. Returns whether it was good."""
        try:
            self.all = read_endpoints(self._file, allow_http=self._allow_http)
        except EndpointsFileError as error:
            self._on_faulty(True)
            for fault in error.faults:
                log.error("endpoints_file_faulty", fault=fault)  # noqa: TRY400 - where it was found tells nothing
            return False
        self._on_faulty(False)
        log.info("endpoints_read", endpoints=[each.name for each in self.all])
        return True


def read_endpoints(file: Path, *, allow_http: bool) -> tuple[Endpoint, ...]:
    """The endpoints of a file.

    Raises:
        EndpointsFileError: it cannot be read, or has a fault.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            # A pipe would be waited for, and nothing would be sent meanwhile.
            raise EndpointsFileError(["is no ordinary file"])
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise EndpointsFileError([f"cannot be read ({type(error).__name__})"]) from None
    return parse_endpoints(content, types=[*EventType], allow_http=allow_http)
