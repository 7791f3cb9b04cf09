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
    """A file, what it looked like when it was looked at, and what its content is for."""

    setting: str
    path: Path
    put: Callable[[bytes], bool]
    """Takes the content over and returns whether it is another than before, or raises `UnusableKeysError`."""
    fault: str | None = None
    """What is wrong with the file as it is now; the keys of before are in force."""
    _seen: _Stamp | None = None
    _read: _Stamp | None = None

    def look(self) -> bytes | None:
        """The content where it is to be taken over, else None. Blocks while the disk does.

        A change counts once two looks have seen the same, so that a file that is being written is not read.
        """
        try:
            # Through symbolic links: Kubernetes changes a mounted secret by turning one.
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
            self._seen = self._read = None  # whatever comes in its place is read
            return None
        self._read = stamp
        if len(content) > _MAXIMUM_FILE_BYTES:
            self.fault = "names a file that is too large"
            return None
        return content.strip()

    def take(self, content: bytes) -> bool:
        """Put the content to use. Returns whether it is another than before."""
        try:
            changed = self.put(content)
        except UnusableKeysError as error:
            self.fault = str(error)
            return False
        self.fault = None
        return changed
