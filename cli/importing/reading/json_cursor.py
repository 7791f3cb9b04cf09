"""Walks over a JSON document of any size, value by value, with one value in memory at a time.

It finds where values end, by brackets and strings, and leaves their meaning to Python's own parser. ijson is not used
for three reasons: version 3.6 crashes the process on an integer of 5,000 digits, turns a lone surrogate into a
question mark, and ends with the first fault, where a fault here concerns one value.
"""

from __future__ import annotations

import re
from typing import IO, Final

from cli.importing.reading.errors import BrokenContentError

_STEP_BYTES: Final = 64 * 1024
"""How many bytes are read at most at once. Fewer are taken as they come."""

_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
"""What may stand between values and signs."""
_IN_STRING: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
"""The inside of a string, up to its end, or a backslash that the bytes end with."""
_UP_TO_BRACKET: Final = re.compile(
    rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+',
    re.DOTALL,
)
"""All up to the next bracket, over strings. A quote that ends it begins a string that goes on behind the bytes."""
_SCALAR: Final = re.compile(rb"[^,\]}\s]*+")
"""A number or a word."""

_MAXIMUM_SCALAR: Final = 1024 * 1024
"""Bytes of a number or word."""

_QUOTE: Final = ord('"')
"""What begins and ends a string."""
_CLOSERS: Final = {ord("{"): ord("}"), ord("["): ord("]")}
"""The bracket that closes each bracket."""

_CUT_OFF: Final = "the JSON ends too early: it is cut off, or a quote or bracket is never closed"
"""What is told where the bytes end inside a value or between two."""


class JsonCursor:
    """A place in a JSON document. It moves forward only."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._bytes = b""
        self._place = 0

    def sign(self) -> bytes:
        """The next byte that is not white space, where the cursor stays. Empty at the end.

        Raises:
            BrokenContentError: the content is damaged.
            OSError: it cannot be read.
        """
        while True:
            match = _SPACE.match(self._bytes, self._place)
            self._place = match.end() if match else self._place
            if self._place < len(self._bytes):
                return self._bytes[self._place : self._place + 1]
            if not self._read_more(self._place):
                return b""

    def take(self, sign: bytes) -> bool:
        """Move behind the next byte that is not white space, if it is this one."""
        if self.sign() != sign:
            return False
        self._place += 1
        return True

    def value(self, *, maximum: int) -> bytes | None:
        """Move behind the next value.

        Returns:
            Its bytes, or None where they are more than `maximum`. Whether they are JSON is not known.

        Raises:
            BrokenContentError: the content ends inside it or is damaged, no value is there, or brackets do not match.
            OSError: it cannot be read.
        """
        first = self.sign()
        if not first:
            raise BrokenContentError(_CUT_OFF)
        if first not in {b"{", b"[", b'"'}:
            return self._scalar()
        # `scan` is how far was looked. All before `start` is forgotten: `start` is where the value begins, or, once
        # the value is too large, where the looking goes on.
        kept, inside, in_string = True, bytearray(), first == b'"'
        start, scan = self._place, self._place + in_string
        while True:
            match = (_IN_STRING if in_string else _UP_TO_BRACKET).match(self._bytes, scan)
            scan = match.end() if match else scan
            if scan == len(self._bytes) or (in_string and self._bytes[scan] != _QUOTE):
                kept = kept and scan - start <= maximum
                start = start if kept else scan
                if not self._read_more(start):
                    raise BrokenContentError(_CUT_OFF)
                scan, start = scan - start, 0
                continue
            in_string = _step(self._bytes[scan], inside, in_string=in_string)
            scan += 1
            if not inside and not in_string:
                break
        self._place = scan
        return self._bytes[start:scan] if kept and scan - start <= maximum else None

    def _scalar(self) -> bytes:
        scan = self._place
        while True:
            match = _SCALAR.match(self._bytes, scan)
            scan = match.end() if match else scan
            if scan - self._place > _MAXIMUM_SCALAR:
                raise BrokenContentError("something stands there that is no JSON")
            if scan < len(self._bytes):
                break
            length = scan - self._place
            if not self._read_more(self._place):
                break
            scan = length
        value = self._bytes[self._place : scan]
        if not value:
            raise BrokenContentError("a value is missing")
        self._place = scan
        return value

    def _read_more(self, start: int) -> bool:
        """Read what comes, and forget all before `start`. Returns whether anything came."""
        piece = self._content.read1(_STEP_BYTES)  # type: ignore[attr-defined] # IO has no read1, its buffered streams do
        self._bytes = self._bytes[start:] + piece
        self._place = max(0, self._place - start)
        return bool(piece)


def _step(sign: int, inside: bytearray, *, in_string: bool) -> bool:
    """Go over a quote or bracket. Changes what brackets are open; returns whether a string is."""
    if sign == _QUOTE:
        return not in_string
    if sign in _CLOSERS:
        inside.append(_CLOSERS[sign])
    elif inside.pop() != sign:
        raise BrokenContentError("a bracket is closed by another one")
    return False
