"""Where lines are written: stdout, a file that is replaced when it is complete, or a file that is added to."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from os import stat_result

_UNFINISHED: Final = ".part"
"""What the name of a file ends with until the file is complete."""


class LinesOut(Protocol):
    """Takes lines and passes each of them on immediately."""

    def write(self, line: str) -> None:
        """Write one line, which has no line end."""

    def finish(self) -> None:
        """All lines are written."""


class LinesStream:
    """A pipe or a terminal. Its reader may wait for each line, so every line is flushed."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """See LinesOut."""
        self._stream.write(line + "\n")
        self._stream.flush()

    def finish(self) -> None:
        """See LinesOut."""


class NoLines:
    """Takes lines that nobody wants."""

    def write(self, line: str) -> None:
        """See LinesOut."""

    def finish(self) -> None:
        """See LinesOut."""


class LinesFile:
    """A file that is written beside its name, and takes its name when it is complete.

    So the name has either what the last complete run left, or all of this run. A run that breaks off leaves its lines
    in `NAME.part`.
    """

    def __init__(self, path: Path, *, mode: int = 0o666) -> None:
        """Begin the file.

        Raises:
            OSError: it cannot be written there.
        """
        self._path = Path(os.path.realpath(path))
        self._unfinished = unfinished_name(path)
        descriptor = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        self._is_empty = True

    def write(self, line: str) -> None:
        """See LinesOut."""
        self._is_empty = False
        self._file.write(line + "\n")
        self._file.flush()

    def finish(self) -> None:
        """Give the file its name.

        Raises:
            OSError: the disk is full, or the name is taken by a folder.
        """
        self._file.close()
        self._unfinished.replace(self._path)

    def close(self) -> None:
        """Close the file. One that is not finished stays beside its name, unless nothing is in it."""
        self._file.close()
        if self._is_empty:
            self._unfinished.unlink(missing_ok=True)


class AppendedFile:
    """A file that keeps what it has. Also a device or a named pipe, which cannot be replaced."""

    def __init__(self, path: Path) -> None:
        """Open the file; make it where there is none.

        Raises:
            OSError: it cannot be written.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")

    def write(self, line: str) -> None:
        """See LinesOut."""
        self._file.write(line + "\n")
        self._file.flush()

    def finish(self) -> None:
        """See LinesOut."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def unfinished_of(path: Path) -> Path | None:
    """Where the lines of a run are that broke off; None where it left none."""
    unfinished = unfinished_name(path)
    return unfinished if unfinished.exists() else None


def unfinished_name(path: Path) -> Path:
    """The name of a file until it is complete. A link is followed, so that what it leads to is replaced."""
    path = Path(os.path.realpath(path))
    return path.with_name(path.name + _UNFINISHED)


def can_be_replaced(path: Path) -> bool:
    """Whether nothing has this name yet, or a regular file."""
    status = _status(path)
    return status is None or stat.S_ISREG(status.st_mode)


def _status(path: Path) -> stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
