"""Unpacks gzip (RFC 1952) while it is read."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Final

from cli.importing.reading.errors import BrokenContentError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC: Final = b"\x1f\x8b"
"""The first bytes of each gzip."""

_GZIP: Final = 16 + zlib.MAX_WBITS
"""Makes zlib read gzip's own framing and nothing else."""

_STEP_BYTES: Final = 64 * 1024
"""How many bytes are read, and at most unpacked, at once."""


class Gunzipped(io.RawIOBase):
    """The unpacked bytes, as soon as they can be unpacked. Several members are one content, as `cat a.gz b.gz` is.

    All bytes that can be unpacked come before the error that ends them, whatever the sizes in which the source gives
    its bytes.
    """

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._packed = b""
        self._unpacked = memoryview(b"")
        self._member: zlib._Decompress | None = None
        self._members = 0
        self._full_step = False
        self._end = ""

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """See io.RawIOBase.

        Raises:
            BrokenContentError: the bytes are no gzip from some place on, or end inside it.
            OSError: the source cannot be read.
        """
        into = memoryview(buffer).cast("B")
        while not self._unpacked:
            if self._end:
                raise BrokenContentError(self._end)
            if not self._packed and not self._full_step:
                self._packed = self._source.read(_STEP_BYTES) or b""
                if not self._packed and self._member is None:
                    return 0
                if not self._packed:
                    self._end = "the file ends inside its gzip: it is cut off"
                    continue
            self._unpacked = memoryview(self._unpack())
        piece = self._unpacked[: len(into)]
        self._unpacked = self._unpacked[len(piece) :]
        into[: len(piece)] = piece
        return len(piece)

    def _unpack(self) -> bytes:
        if self._member is None:
            # Zeros behind a member fill up a block of a tape.
            self._packed = self._packed.lstrip(b"\0") if self._members else self._packed
            if not self._packed:
                return b""
            self._member = zlib.decompressobj(_GZIP)
            self._members += 1
        before, packed = self._member.copy(), self._packed
        try:
            unpacked = self._member.decompress(packed, _STEP_BYTES)
        except zlib.error:
            unpacked = _up_to_the_fault(before, packed)
            self._end = "its gzip is damaged, or something else follows it"
            return unpacked
        # zlib may hold back some bytes although it has read everything: then the step was a full one.
        self._full_step = len(unpacked) == _STEP_BYTES and not self._member.eof
        if self._member.eof:
            self._packed, self._member = self._member.unused_data, None
        else:
            self._packed = self._member.unconsumed_tail
        return unpacked


def _up_to_the_fault(member: zlib._Decompress, packed: bytes) -> bytes:
    """What can be unpacked before the fault. zlib gives nothing of a step with a fault, so each byte is a step."""
    unpacked = bytearray()
    try:
        for place in range(len(packed)):
            unpacked += member.decompress(packed[place : place + 1])
    except zlib.error:
        pass
    return bytes(unpacked)
