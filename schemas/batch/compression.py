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

_WINDOW_LOG: Final = 23
"""The largest window that is made room for, as a power of two: 8 MiB. Level 3 asks for 2 MiB at most.

A frame names its window before its data. Without this bound a few forged bytes could ask for 128 MiB.
"""


class ExpansionError(ValueError):
    """The bytes are no compressed data of ours, or expand to more than they may. The message holds none of them."""


def compress(data: bytes) -> bytes:
    """The data, compressed. Equal data gives equal bytes in one release of the library."""
    return zstd.compress(data, _LEVEL)


def expand(compressed: bytes, *, most_bytes: int) -> bytes:
    """The data as it was. Beside it no more than the window is held.

    Raises:
        ExpansionError: it would be more than `most_bytes`, or these bytes were not compressed by `compress`.
    """
    decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})
    try:
        data = decompressor.decompress(compressed, max_length=most_bytes + 1)
    except zstd.ZstdError:
        raise ExpansionError("the bytes are not zstd, or ask for too large a window") from None
    if len(data) > most_bytes or not decompressor.eof or decompressor.unused_data:
        raise ExpansionError("the bytes are cut off, or more than they may be")
    return data
