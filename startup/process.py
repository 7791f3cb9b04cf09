"""What each process does first, before it reads a setting."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from startup.logs import configure_logs
from startup.private_memory import keep_memory_private
from startup.signals import show_places_on_signals, stop_in_order_on_signals
from startup.unhandled import tell_what_nobody_catches

if TYPE_CHECKING:
    from startup.environment import SettingsError

SETTINGS_REFUSED: Final = 2
"""The exit status of a process that its settings do not let run."""


def prepare_service(component: str) -> None:
    """Prepare a shim or a worker: logs, private memory, signals and unhandled exceptions. May be called again.

    From then on no fault or signal writes a value of the process' memory anywhere.
    """
    _prepare(component, log_format="auto")
    stop_in_order_on_signals()


def prepare_command() -> None:
    """Prepare a command that a person runs. Unlike `prepare_service`, it leaves SIGHUP and SIGQUIT to the command."""
    _prepare("cli", log_format="console")


def refuse(program: str, error: SettingsError) -> int:
    """Say on standard error what is wrong with the settings. Returns the exit status."""
    for fault in error.faults:
        print(f"{program}: {fault}", file=sys.stderr)  # noqa: T201 - no logs without settings
    return SETTINGS_REFUSED


def _prepare(component: str, *, log_format: str) -> None:
    configure_logs(level="info", log_format=log_format, component=component)
    keep_memory_private()
    show_places_on_signals()
    tell_what_nobody_catches()
