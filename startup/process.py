"""The first thing that each process does, before it reads a setting."""

from __future__ import annotations

from startup.logs import configure_logs
from startup.private_memory import keep_memory_private
from startup.signals import show_places_on_signals, stop_in_order_on_signals
from startup.unhandled import tell_what_nobody_catches


def prepare_service(component: str) -> None:
    """For a shim or a worker: nothing in its memory gets out, whatever befalls it. May be called again."""
    _prepare(component, log_format="auto")
    stop_in_order_on_signals()


def prepare_command() -> None:
    """The same for a command of a person's, whose signals are its own business."""
    _prepare("cli", log_format="console")


def _prepare(component: str, *, log_format: str) -> None:
    configure_logs(level="info", log_format=log_format, component=component)
    keep_memory_private()
    show_places_on_signals()
    tell_what_nobody_catches()
