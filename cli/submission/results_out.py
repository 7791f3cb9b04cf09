"""Where results go: stdout, or a file. A file keeps what an earlier run wrote until this run has a result."""

from __future__ import annotations

import os
import stat
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class ResultsOut(Protocol):
    """Takes lines and passes each of them on immediately."""

    def write(self, line: str) -> None:
        """Write one result."""


class ResultsStream:
    """A pipe or a terminal. Its reader may wait for each line, so every line is flushed."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """See ResultsOut."""
        self._stream.write(line + "\n")
        self._stream.flush()


class ResultsFile:
    """A file. It is emptied when the first result is there, and left alone where none comes."""

    def __init__(self, path: Path) -> None:
        """Open the file; make it where there is none.

        Raises:
            OSError: the file cannot be written.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._untouched = True

    def write(self, line: str) -> None:
        """See ResultsOut."""
        if self._untouched:
            self._untouched = False
            if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                self._file.truncate(0)
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
