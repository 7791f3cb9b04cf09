"""Removes values from the log lines of libraries.

Libraries log what they were given: URLs, arguments of tasks, texts of servers. A line shows the text that stands in the
library's source code. A value in it is shown only by its type, unless it is a number or such a text itself.
"""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging
    from types import FrameType


class _Hidden:
    """Takes the place of a value in a text. It shows only the value's type, however it is formatted."""

    __slots__ = ("_name",)

    def __init__(self, value: object) -> None:
        kind = type(value)
        self._name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"

    def __repr__(self) -> str:
        return f"<{self._name}>"

    __str__ = __repr__


def without_values(record: logging.LogRecord) -> logging.LogRecord:
    """A copy of the record that holds no values and may be shown."""
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
        # Without arguments, the text may have been put together from values. It is shown only if it stands in the code.
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
    """Whether the text is a constant of the function that logs, or of its module."""
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
