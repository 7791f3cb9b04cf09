"""The file or stream of signups. Its beginning is looked at first; then it is read from its first row on."""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

from cli.submission.input_form.encoding import UTF_8_MARK, binary_form, foreign_encoding
from cli.submission.input_form.text import text_form
from cli.submission.input_form.wrong_form import WrongForm
from cli.submission.numbered_lines import numbered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from _typeshed import WriteableBuffer

STDIN: Final = Path("-")
"""The path that means standard input."""

_HEAD_BYTES: Final = 1024 * 1024
"""How much of a file is looked at: more than one row may have. Of a stream it is what comes with its first row."""
_STDIN_DESCRIPTOR: Final = 0
"""Standard input, by its number."""

_NOT_OPENED: Final = {
    errno.ENOENT: ("no file: nothing has this name", "Look for it again."),
    errno.EISDIR: ("a directory", "Give the file of the signups."),
    errno.EACCES: ("a file that may not be read", "Make it readable for whoever runs the command."),
}
"""What a file is that cannot be opened, and what to do, by the system's error."""


class WrongInputError(Exception):
    """The input is refused as a whole. The text tells a person what it is and what to do."""


class InputFile:
    """An open file or stream of signups, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        """Open the file; `-` is stdin.

        Raises:
            WrongInputError: it cannot be opened.
        """
        self._path = path
        try:
            # Not sys.stdin: a thread that waits inside it would keep Python from ending.
            self._raw = io.FileIO(_STDIN_DESCRIPTOR, closefd=False) if path == STDIN else path.open("rb", buffering=0)
            self._status = os.fstat(self._raw.fileno())
        except OSError as error:
            raise self._refused(_unreadable(error)) from None

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

    def lines(self) -> IO[bytes]:
        """The content from the first row on, without a byte order mark. Looks at its form first.

        Raises:
            WrongInputError: the content is not JSON lines in UTF-8, has no rows, or cannot be read.
        """
        try:
            head, complete = self._read_head()
        except OSError as error:
            raise self._refused(_unreadable(error)) from None
        if (form := wrong_form(head, complete=complete)) is not None:
            raise self._refused(form)
        return io.BufferedReader(_Replayed(head.removeprefix(UTF_8_MARK), self._raw))

    @contextmanager
    def rewound(self) -> Iterator[IO[bytes]]:
        """The content of a regular file once more, as `lines` gives it.

        Raises:
            OSError: it cannot be read.
        """
        self._raw.seek(0)
        head = self._raw.read(len(UTF_8_MARK)) or b""
        yield io.BufferedReader(_Replayed(head.removeprefix(UTF_8_MARK), self._raw))

    def _read_head(self) -> tuple[bytes, bool]:
        """The first bytes, and whether they are all there is."""
        head = bytearray()
        while len(head) < _HEAD_BYTES:
            piece = self._raw.read(_HEAD_BYTES - len(head))
            if not piece:
                return bytes(head), True
            head += piece
            # A program that writes to the pipe may wait for the first result before it writes more.
            if not self.is_regular and b"\n" in head.removeprefix(UTF_8_MARK).lstrip():
                break
        return bytes(head), False

    def _refused(self, form: WrongForm) -> WrongInputError:
        return WrongInputError(f"{'stdin' if self._path == STDIN else self._path}: {form}")


def wrong_form(head: bytes, *, complete: bool) -> WrongForm | None:
    """What is wrong with a file, judged by its beginning; None where it is one JSON object a line in UTF-8.

    Args:
        head: its first bytes.
        complete: whether these are all its bytes.
    """
    if (form := binary_form(head)) is not None:
        return form
    text = head.removeprefix(UTF_8_MARK)
    cut = not complete and not text.endswith(b"\n")
    if cut and text.strip().count(b"\n"):
        # The last line is cut off, so it is not judged.
        text, cut = text[: text.rfind(b"\n") + 1], False
    lines = list(numbered(io.BytesIO(text)))
    if not lines:
        return WrongForm("empty: it has no rows", "Give the file of the signups.") if complete else None
    return text_form(lines, complete=complete, cut=cut) or foreign_encoding(lines, cut=cut)


def _unreadable(error: OSError) -> WrongForm:
    what, to_do = _NOT_OPENED.get(
        error.errno or 0, (f"nothing that can be read ({error.strerror})", "Give the file of the signups.")
    )
    return WrongForm(what, to_do)


class _Replayed(io.RawIOBase):
    """A stream that first gives bytes that were read already, then what follows them."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        into = memoryview(buffer).cast("B")
        if self._head:
            piece = self._head[: len(into)]
            self._head = self._head[len(piece) :]
            into[: len(piece)] = piece
            return len(piece)
        return self._rest.readinto(into)
