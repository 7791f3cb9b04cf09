"""Logs of every process: structlog, one JSON object a line, or readable lines on a terminal.

Nothing of a request's content is logged. An exception is logged by its type and by where it was raised, never by its
text: drivers put what they were given into their texts (pymongo's duplicate key error holds the email). The lines of
libraries are shown without values.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from startup.library_lines import without_values

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

_FRAMES_SHOWN: Final = 12
"""Places in code, and exceptions of a chain, that one log line tells at most."""

_QUIET_LOGGERS: Final = (
    "celery.worker.strategy",
    "celery.app.trace",
    "uvicorn.access",
    "pymongo",
    "asyncio",
    "opentelemetry",
)
"""These write a line for each task, request, probe or lost span, some with arguments or results. Our own lines say the
same."""


def configure_logs(*, level: str, log_format: str, component: str) -> None:
    """Send the logs of this process and of its libraries to standard error, in one form.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        log_format: `json`, `console` or `auto`. `auto` means `console` if standard error is a terminal, else `json`.
        component: The name of this process, which stands in every line.
    """
    readable = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())

    def add_component(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["component"] = component
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_component,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _exceptions_without_text,
    ]
    renderers: list[Processor] = (
        [
            _exceptions_as_lines,
            structlog.dev.ConsoleRenderer(event_key="event", timestamp_key="at", colors=sys.stderr.isatty()),
        ]
        if readable
        else [structlog.processors.JSONRenderer(ensure_ascii=True)]
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # At `debug`, libraries log each command and each byte. None of that may be in a log.
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level.upper()]))
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, *renderers[:-1], _or_what_was_lost(renderers[-1])],
        # Our own lines do not pass through the module logging. That saves 43 microseconds of CPU a line. With two lines
        # it is 2.8 % of a signup: see docs/architecture.md, "Paths tuned by hand".
        logger_factory=lambda name="": _Lines(sys.stderr, name),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


class _Lines:
    """Writes our own lines. Each line is one write, so that lines of several threads do not mix."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self.name = name

    def msg(self, line: str) -> None:
        """Write a line. A failure is ignored, since there is nowhere left to report it."""
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass

    debug = info = warning = error = critical = msg


def _or_what_was_lost(render: Processor) -> Processor:
    def rendered(logger: Any, method: str, event: EventDict) -> Any:
        try:
            return render(logger, method, event)
        except Exception as fault:  # noqa: BLE001 - a value's repr can raise anything, and a log line never does
            return _lost(fault, logger.name)

    return rendered


def _lost(fault: BaseException | None, logger: str) -> str:
    return json.dumps({"event": "log_line_lost", "level": "error", "fault": type(fault).__name__, "logger": logger})


class _Handler(logging.StreamHandler[TextIO]):
    """Writes the lines of libraries. If a line cannot be written, it writes only the type of the error.

    The report of the module logging would repeat arguments and texts.
    """

    def format(self, record: logging.LogRecord) -> str:
        return super().format(without_values(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(_lost(sys.exc_info()[1], record.name) + "\n")


def _exceptions_without_text(_logger: object, _method: str, event: EventDict) -> EventDict:
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event["exception"] = describe_exception(error)
    return event


def _exceptions_as_lines(_logger: object, _method: str, event: EventDict) -> EventDict:
    # structlog's console can show an exception only if it is a string.
    chain = event.get("exception")
    if isinstance(chain, list):
        event["exception"] = "\n".join(
            line for link in chain for line in (link["type"], *(f"  {at}" for at in link["at"]))
        )
    return event


def describe_exception(error: BaseException) -> list[dict[str, Any]]:
    """The exception and its causes as types and places in code, without texts or variables."""
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _FRAMES_SHOWN:
        frames = traceback.extract_tb(current.__traceback__)[-_FRAMES_SHOWN:]
        chain.append(
            {
                "type": f"{type(current).__module__}.{type(current).__qualname__}",
                "at": [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames],
            }
        )
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain
