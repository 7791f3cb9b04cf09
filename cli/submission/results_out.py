"""Where results go: stdout, or a file. A file keeps what an earlier run wrote until a row of this run is accepted."""

from __future__ import annotations

import os
import stat
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class ResultsOut(Protocol):
    """Takes lines and passes each of them on immediately."""

    def write(self, line: str) -> None:
        """Write the result of a row that was accepted."""

    def write_untaken(self, line: str) -> None:
        """Write the result of a row that was not accepted.

        It may be held back until a row is accepted, since the whole file may turn out to be the wrong one.
        """


class ResultsStream:
    """A pipe or a terminal. Its reader may wait for each line, so every line is flushed."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """See ResultsOut."""
        self._stream.write(line + "\n")
        self._stream.flush()

    write_untaken = write


class ResultsFile:
    """A file. It is emptied when the first row is accepted, and left alone where none is."""

    def __init__(self, path: Path) -> None:
        """Open the file; make it where there is none.

        Raises:
            OSError: the file cannot be written.
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
        """See ResultsOut. Few lines are held back: a run in which nothing is accepted ends soon."""
        if self._untouched:
            self._untaken.append(line)
        else:
            self._write(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()
