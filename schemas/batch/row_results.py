"""The results of a chunk's rows: how they are kept, and how a row's line looks to a client.

A result is the row's outcome as compact JSON, in one line. The number of the row's line, and that a row was in before,
are put in at a known place of the bytes: nobody parses results on their way from the worker to the client.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from schemas.batch.compression import compress, expand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.outcome import Outcome

_MOST_BYTES: Final = 32 * 1024 * 1024
"""More than the results of any chunk have.

Customers come back as long as their rows were, with ids; the faults of a row are told in 16 KiB.
"""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""One compact line: JSON has no line end inside a string."""

_CREATED: Final = b'{"ok":true,"customer":'
"""How the result of a created customer begins."""

_REPEATED: Final = b'{"ok":true,"repeated":true,"customer":'
"""How the result begins of a row that was in before."""

_FAILED: Final = b'{"ok":false,'
"""How every other result than a success begins."""


def pack_results(outcomes: Iterable[Outcome]) -> bytes:
    """The results of rows, in order, compressed."""
    return compress(b"\n".join([_ENCODER.encode(each).encode() for each in outcomes]))


def unpack_results(packed: bytes) -> list[bytes]:
    """The result of each row, in order.

    Raises:
        schemas.batch.compression.ExpansionError: the bytes are no packed results.
    """
    return expand(packed, most_bytes=_MOST_BYTES).split(b"\n")


def result_line(outcome: Outcome) -> bytes:
    """The result of one row, uncompressed."""
    return _ENCODER.encode(outcome).encode()


def is_failed(result: bytes) -> bool:
    """Whether the row has another outcome than a success."""
    return result.startswith(_FAILED)


def rendered(result: bytes, *, row: int, known: bool) -> bytes:
    """The line that a client gets, with its line end.

    Args:
        result: the row's result.
        row: the number of the row's line.
        known: the chunk was in before this batch: a customer that it created is shown as repeated.
    """
    if known and result.startswith(_CREATED):
        result = _REPEATED + result[len(_CREATED) :]
    return b'{"row":%d,%b\n' % (row, result[1:])
