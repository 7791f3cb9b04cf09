"""Compression of chunks and of their results (zstd, RFC 8878)."""

from __future__ import annotations

import sys
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL: Final = 3
"""256 rows of the documented body: 88 bytes a waiting row and 100 a finished one, for a microsecond of CPU a row.

Level 9 would save 6 bytes a row for four times the CPU.
"""


class ExpansionError(ValueError):
    """The bytes are no compressed data of ours, or expand to more than they may. The message holds none of them."""


def compress(data: bytes) -> bytes:
    """The data, compressed. Equal data gives equal bytes in one release of the library."""
    return zstd.compress(data, _LEVEL)


def expand(compressed: bytes, *, most_bytes: int) -> bytes:
    """The data as it was.

    Raises:
        ExpansionError: it would be more than `most_bytes`, or these bytes were not compressed by `compress`.
    """
    decompressor = zstd.ZstdDecompressor()
    try:
        data = decompressor.decompress(compressed, max_length=most_bytes + 1)
    except zstd.ZstdError:
        raise ExpansionError("the bytes are not zstd") from None
    if len(data) > most_bytes or not decompressor.eof or decompressor.unused_data:
        raise ExpansionError("the bytes are cut off, or more than they may be")
    return data
