"""Logs unhandled exceptions and warnings by their types and places. Python itself would print their texts too."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, TextIO

import structlog

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType


def tell_what_nobody_catches() -> None:
    """Log exceptions that end the process or a thread, exceptions in finalizers, and warnings."""
    sys.excepthook = _of_process
    threading.excepthook = _of_thread
    sys.unraisablehook = _of_finalizer
    warnings.showwarning = _warning


def in_event_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The handler for an event loop's `set_exception_handler`. The loop's own handler would log the texts."""
    tell_unhandled("event loop", context.get("exception"))


def _of_process(_kind: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    tell_unhandled("process", error)


def _of_thread(hooked: threading.ExceptHookArgs) -> None:
    if not issubclass(hooked.exc_type, SystemExit):
        tell_unhandled("thread", hooked.exc_value)


def _of_finalizer(hooked: sys.UnraisableHookArgs) -> None:
    tell_unhandled("finalizer", hooked.exc_value)


def tell_unhandled(where: str, error: BaseException | None) -> None:
    """Log an exception that no code handles. `where` names the place: process, thread, finalizer or event loop."""
    # Not a logger of the module: structlog caches it at the first use, which may be before the settings are read.
    log = structlog.get_logger("startup.unhandled")
    log.error("unhandled_exception", where=where, exc_info=error)


def _warning(  # noqa: PLR0917 - the signature of `warnings.showwarning`
    message: Warning | str,  # noqa: ARG001 - its text must not be shown
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    log = structlog.get_logger("startup.unhandled")
    log.warning("library_warning", category=category.__name__, place=f"{filename}:{lineno}")
