"""Where the results of a run go: stdout, or a file that keeps what an earlier run left until there is something new."""

from __future__ import annotations

import os
import stat
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class ResultsOut(Protocol):
    """Takes lines, each of which is out at once."""

    def write(self, line: str) -> None:
        """The result of a row that was taken."""

    def write_untaken(self, line: str) -> None:
        """The result of a row that was not taken. The whole file, or the token, may turn out to be the wrong one."""


class ResultsStream:
    """A pipe or terminal, whose reader may wait for each line."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """See ResultsOut."""
        self._stream.write(line + "\n")
        self._stream.flush()

    write_untaken = write


class ResultsFile:
    """A file, which is emptied with the first row that was taken. Where none was, it stays as it is."""

    def __init__(self, path: Path) -> None:
        """Open it, made where it is not there.

        Raises:
            OSError: it cannot be written.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._untouched = True
        self._untaken: list[str] = []

    def write(self, line: str) -> None:
        """See ResultsOut."""
        if self._untouched:
            self._untouched = False
            if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                self._file.truncate(0)
            untaken, self._untaken = self._untaken, []
            for each in untaken:
                self._write(each)
        self._write(line)

    def write_untaken(self, line: str) -> None:
        """See ResultsOut. They are few: a run ends where nothing but these comes."""
        if self._untouched:
            self._untaken.append(line)
        else:
            self._write(line)

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()
