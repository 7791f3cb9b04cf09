"""Decodes bodies that come compressed (gzip, RFC 1952), in bounded steps while they come."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from edge.bodies import PayloadTooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_GZIP: Final = 16 + zlib.MAX_WBITS
"""Makes zlib read gzip's own framing and nothing else."""

_STEP_BYTES: Final = 64 * 1024
"""How many bytes one step makes at most. Other requests have their turn between two steps."""


class BrokenCodingError(Exception):
    """The body is not what its Content-Encoding says, or ends too early."""


async def gunzipped(pieces: AsyncIterator[bytes], *, maximum_bytes: int) -> AsyncIterator[bytes]:
    """Yield the decoded body piece by piece. No piece is empty, or longer than 64 KiB.

    A body may have several members, as `cat a.gz b.gz` makes them, and zeros behind the last one.

    Args:
        pieces: the body as it comes.
        maximum_bytes: the limit for the decoded body, whatever the length of the coded one.

    Raises:
        PayloadTooLargeError: the decoded body is larger than `maximum_bytes`.
        BrokenCodingError: the body is not gzip from some place on, or ends inside a member.
    """
    size = 0
    member = zlib.decompressobj(_GZIP)
    async for piece in pieces:
        rest, made = piece, b""
        # zlib may hold back some bytes although it has read everything: then the last step was a full one.
        while rest or len(made) == _STEP_BYTES:
            if member.eof:
                rest = rest.lstrip(b"\x00")
                if not rest:
                    break
                member = zlib.decompressobj(_GZIP)
            try:
                made = member.decompress(rest, _STEP_BYTES)
            except zlib.error:
                raise BrokenCodingError from None
            rest = member.unused_data if member.eof else member.unconsumed_tail
            size += len(made)
            if size > maximum_bytes:
                raise PayloadTooLargeError
            if made:
                yield made
            await asyncio.sleep(0)
    if not member.eof:
        raise BrokenCodingError
