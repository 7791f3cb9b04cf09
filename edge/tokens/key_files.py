"""A file of keys that is read again when it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MAXIMUM_FILE_BYTES: Final = 1024 * 1024
"""The largest key file that is read."""

_Stamp = tuple[int, int, int]


class UnusableKeysError(Exception):
    """The content cannot serve. The message completes a sentence that starts with the setting's name."""


@dataclass(slots=True)
class KeyFile:
    """One file with keys: its place, how it looked last, and where its content goes."""

    setting: str
    path: Path
    put: Callable[[bytes], bool]
    """Takes the content over, or raises `UnusableKeysError`. Returns whether it differs from before."""
    fault: str | None = None
    """What is wrong with the file now. The keys of before stay in force meanwhile."""
    _seen: _Stamp | None = None
    _read: _Stamp | None = None

    def look(self) -> bytes | None:
        """Read the content where it has changed, else return None. Blocks while the disk does.

        A changed file is read once two looks in a row find it the same, so that a file is not read while it is written.
        """
        try:
            # This follows symbolic links, since Kubernetes changes a mounted secret by exchanging one.
            status = self.path.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            settled = stamp == self._seen
            self._seen = stamp
            if not settled or stamp == self._read:
                return None
            with self.path.open("rb") as file:
                content = file.read(_MAXIMUM_FILE_BYTES + 1)
        except OSError as error:
            self.fault = f"names a file that cannot be read ({type(error).__name__})"
            self._seen = self._read = None  # so that the next file there is read, whatever it looks like
            return None
        self._read = stamp
        if len(content) > _MAXIMUM_FILE_BYTES:
            self.fault = "names a file that is too large"
            return None
        return content.strip()

    def take(self, content: bytes) -> bool:
        """Put the content to use. Returns whether it differs from before."""
        try:
            changed = self.put(content)
        except UnusableKeysError as error:
            self.fault = str(error)
            return False
        self.fault = None
        return changed
