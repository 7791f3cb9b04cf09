"""The file or stream of customers: its bytes, unpacked and as UTF-8. What they mean is not known here."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

from cli.importing.reading.errors import BrokenContentError, WrongInputError
from cli.importing.reading.recognising.wrong_form import WrongForm
from cli.importing.reading.streams.decoding import Coding
from cli.importing.reading.streams.file_bytes import FileBytes, SeenBytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

STDIN: Final = Path("-")
"""The path that means standard input."""

HEAD_BYTES: Final = 1024 * 1024
"""How much of a file is looked at: more than one row may have. Of a stream it is what comes with its first row."""

_BUFFER_BYTES: Final = 64 * 1024
"""How much is read at once."""
_STDIN_DESCRIPTOR: Final = 0
"""Standard input, by its number."""

_NOT_OPENED: Final = {
    errno.ENOENT: ("no file: nothing has this name", "Look for it again."),
    errno.EISDIR: ("a directory", "Give the file of the signups."),
    errno.EACCES: ("a file that may not be read", "Make it readable for whoever runs the command."),
}
"""What a file is that cannot be opened, and what to do, by the system's error."""


class InputFile:
    """An open file or stream of customers."""

    def __init__(self, path: Path) -> None:
        """Open the file; `-` is stdin.

        Raises:
            WrongInputError: it cannot be opened.
        """
        self._path = path
        self._seen = bytearray()
        self._coding = Coding()
        self._is_cut: bool | None = None
        self._newest: FileBytes | None = None
        try:
            # Not sys.stdin: a thread that waits inside it would keep Python from ending.
            self._raw = io.FileIO(_STDIN_DESCRIPTOR, closefd=False) if path == STDIN else path.open("rb", buffering=0)
            self._status = os.fstat(self._raw.fileno())
            # A shell may have read the first lines of a file that is stdin.
            self._start = self._raw.tell() if self.is_regular else 0
        except OSError as error:
            raise self.refused(_unreadable(error)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._raw.close()

    @property
    def is_regular(self) -> bool:
        """Whether this is a file that can be read again, unlike a pipe or a terminal."""
        return stat.S_ISREG(self._status.st_mode)

    def is_same(self, other: Path) -> bool:
        """Whether a path leads to the same file."""
        try:
            return os.path.samestat(self._status, other.stat())
        except OSError:
            return False

    @property
    def size(self) -> int | None:
        """How many bytes a regular file had when it was opened; None for a stream."""
        return self._status.st_size - self._start if self.is_regular else None

    @property
    def read_bytes(self) -> int:
        """How many bytes of a regular file were read of the content that was asked for last."""
        return 0 if self._newest is None else self._newest.read_bytes

    def changed(self) -> bool:
        """Whether somebody has written to a regular file since it was opened. What was read may be a mixture then."""
        if not self.is_regular:
            return False
        now = os.fstat(self._raw.fileno())
        return (now.st_size, now.st_mtime_ns) != (self._status.st_size, self._status.st_mtime_ns)

    def read_as(self, coding: Coding) -> None:
        """Say how `content` is to be read. `recognise` does this."""
        self._coding = coding

    def content(self) -> IO[bytes]:
        """The text in UTF-8, without a byte order mark, as far as the file went when it was opened.

        A regular file is read from the start each time that this is called, also while another content is read.
        The content of a stream can be had once. What cannot be decoded becomes a byte that is no UTF-8.

        The content raises BrokenContentError where its bytes are damaged or end too early; see `readers`.
        """
        return io.BufferedReader(self._bytes(keep=False), _BUFFER_BYTES)

    def beginning(self, is_enough: Callable[[bytes], bool]) -> tuple[bytes, bool]:
        """The first bytes of the content, and whether they are all there is. They can be read once more.

        Args:
            is_enough: tells of a stream's first bytes whether more are needed. A program that writes to the pipe may
                wait for the first result before it writes more.

        Raises:
            WrongInputError: the file cannot be read.
        """
        stream = self._bytes(keep=True)
        head = bytearray()
        try:
            while len(head) < HEAD_BYTES:
                piece = stream.read(HEAD_BYTES - len(head))
                if not piece:
                    return bytes(head), True
                head += piece
                if not self.is_regular and is_enough(bytes(head)):
                    break
        except OSError as error:
            raise self.refused(_unreadable(error)) from None
        except BrokenContentError as error:
            if not head:
                raise self.refused(WrongForm(f"damaged: {error}", "Make or copy it once more.")) from None
        return bytes(head), False

    def refused(self, form: WrongForm) -> WrongInputError:
        """The error that refuses this file as a whole."""
        return WrongInputError(f"{'stdin' if self._path == STDIN else self._path}: {form}")

    def _bytes(self, *, keep: bool) -> io.RawIOBase:
        stream: io.RawIOBase
        if self.is_regular:
            end = self._status.st_size
            stream = self._newest = FileBytes(
                self._raw.fileno(), start=self._start, end=end, at_end=self._check_last_line
            )
        else:
            stream = SeenBytes(self._raw, self._seen, keep=keep)
        return self._coding.decoded(stream)

    def _check_last_line(self) -> None:
        """Raise where the file has grown and ended inside a line when it was opened.

        A row that was half written could pass for a whole one. All who read the file are told the same.
        """
        if self._is_cut is None:
            size = self._status.st_size
            last = os.pread(self._raw.fileno(), 2, max(0, size - 2)).rstrip(b"\0")
            has_grown = os.fstat(self._raw.fileno()).st_size > size
            self._is_cut = has_grown and not self._coding.compressed and not last.endswith((b"\n", b"\r"))
        if self._is_cut:
            raise BrokenContentError("the file was still being written: its last line was not complete")


def _unreadable(error: OSError) -> WrongForm:
    what, to_do = _NOT_OPENED.get(
        error.errno or 0, (f"nothing that can be read ({error.strerror})", "Give the file of the signups.")
    )
    return WrongForm(what, to_do)
