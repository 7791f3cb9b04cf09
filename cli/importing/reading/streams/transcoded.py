"""Turns text of any encoding into UTF-8 while it is read."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, Final

from cli.importing.reading.errors import BrokenContentError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

UTF_8_MARK: Final = codecs.BOM_UTF8
"""The byte order mark of UTF-8, which a text may begin with."""

_STEP_BYTES: Final = 64 * 1024
"""How many bytes are read at once."""

_NO_UTF_8: Final = b"\xff"
"""Stands for what cannot be decoded. UTF-8 has no such byte, so a reader finds the fault in the line that has it."""

_STAND_IN: Final = "\udcff"
"""The same between decoding and encoding: no text has a lone surrogate."""

_FAULTS: Final = "customer-intake.keep-faults"
"""The name of the handler of faults, as Python's codecs want one."""


def _keep_fault(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeDecodeError):
        return _STAND_IN, error.end
    if isinstance(error, UnicodeEncodeError):
        return _NO_UTF_8, error.end
    raise error


codecs.register_error(_FAULTS, _keep_fault)


class Transcoded(io.RawIOBase):
    """The text in UTF-8. What cannot be decoded becomes a byte that is no UTF-8, in the same place."""

    def __init__(self, source: io.RawIOBase, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(errors=_FAULTS)
        self._text = memoryview(b"")
        self._at_end = False

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """See io.RawIOBase.

        Raises:
            BrokenContentError: the source is damaged, or a decoder gives up. Few do.
            OSError: the source cannot be read.
        """
        into = memoryview(buffer).cast("B")
        while not self._text:
            if self._at_end:
                return 0
            piece = self._source.read(_STEP_BYTES) or b""
            self._at_end = not piece
            try:
                text = self._decoder.decode(piece, final=self._at_end)
            except UnicodeError:
                raise BrokenContentError("its text cannot be decoded from here on") from None
            self._text = memoryview(text.encode("utf-8", _FAULTS))
        piece_of_text = self._text[: len(into)]
        self._text = self._text[len(piece_of_text) :]
        into[: len(piece_of_text)] = piece_of_text
        return len(piece_of_text)


class Unmarked(io.RawIOBase):
    """UTF-8 without the byte order mark that it may begin with."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._first = b""
        self._past_mark = False

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """See io.RawIOBase.

        Raises:
            BrokenContentError: the source is damaged.
            OSError: the source cannot be read.
        """
        while not self._past_mark:
            piece = self._source.read(len(UTF_8_MARK) - len(self._first)) or b""
            self._first += piece
            if self._first == UTF_8_MARK:
                self._first, self._past_mark = b"", True
            elif not piece or not UTF_8_MARK.startswith(self._first):
                self._past_mark = True
        if not self._first:
            return self._source.readinto(buffer)
        into = memoryview(buffer).cast("B")
        first = self._first[: len(into)]
        self._first = self._first[len(first) :]
        into[: len(first)] = first
        return len(first)


class WithLineFeeds(io.RawIOBase):
    """The text of an old Macintosh program, whose lines end in carriage returns, with line feeds in their place."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """See io.RawIOBase.

        Raises:
            BrokenContentError: the source is damaged.
            OSError: the source cannot be read.
        """
        into = memoryview(buffer).cast("B")
        size = self._source.readinto(into)
        if size:
            into[:size] = bytes(into[:size]).replace(b"\r", b"\n")
        return size
