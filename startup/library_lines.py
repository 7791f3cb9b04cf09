"""What a library's log line may say: its own fixed words, and of values only what cannot be a secret.

Libraries put what they were given into their lines: URLs, arguments of tasks, texts of servers. What stands in their
source code is shown, whatever was put into it only by its type.
"""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging
    from types import FrameType


class _Hidden:
    """Stands for a value in a text, however it is formatted."""

    __slots__ = ("_name",)

    def __init__(self, value: object) -> None:
        kind = type(value)
        self._name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"

    def __repr__(self) -> str:
        return f"<{self._name}>"

    __str__ = __repr__


def without_values(record: logging.LogRecord) -> logging.LogRecord:
    """A copy of the record that may be shown."""
    shown = copy.copy(record)
    shown.msg, shown.args = _text(record), ()
    shown.stack_info = shown.exc_text = None
    return shown


def _text(record: logging.LogRecord) -> str:
    place = f"{record.name} {record.funcName}:{record.lineno}"
    frame = _frame_of(record)
    if not isinstance(record.msg, str) or not isinstance(record.args, (tuple, type(None))):
        return place
    if not record.args:
        # Without arguments it may be a text that was put together: only what the code has as it is may be shown.
        return record.msg if _is_written(record.msg, frame) else place
    try:
        return record.msg % tuple(_shown(value, frame) for value in record.args)
    except (TypeError, ValueError):
        return f"{place} {record.msg}"


def _shown(value: Any, frame: FrameType | None) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return value if isinstance(value, str) and _is_written(value, frame) else _Hidden(value)


def _is_written(text: str, frame: FrameType | None) -> bool:
    """Whether the code that logs has the text as a constant, of its own or of its module."""
    if frame is None:
        return False
    return text in frame.f_code.co_consts or any(value is text for value in frame.f_globals.values())


def _frame_of(record: logging.LogRecord) -> FrameType | None:
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the one way to the caller's code; logging has it too
    while frame is not None:
        if frame.f_code.co_filename == record.pathname and frame.f_code.co_name == record.funcName:
            return frame
        frame = frame.f_back
    return None
