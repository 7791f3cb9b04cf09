"""What a chunk holds for the workers: its rows, and what they need to know of the batch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from schemas.batch.compression import ExpansionError, compress, expand

_VERSION: Final = b"\x01"
"""How content of this form begins."""

_MOST_BYTES: Final = 64 * 1024 * 1024
"""More than any chunk has: the largest row that a setting allows, and the header."""


class Mode(StrEnum):
    """What is done with the rows of a batch."""

    CREATE = "create"
    """Customers are made."""
    VALIDATE = "validate"
    """Each row is told what `create` would say. Nothing is hashed or stored."""


class ContentFormatError(Exception):
    """The bytes are no content that this release can read. The message holds none of them."""


class UnknownContentVersionError(ContentFormatError):
    """The content is of a version that this release does not know. A newer release may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkContent:
    """A chunk as it is sealed."""

    caller: str
    name: str
    """The batch's name: the same row under the same name and caller is the same signup."""
    mode: Mode
    may_import: bool
    """Whether the caller may import hashes: rows with `passwordHash` are refused otherwise."""
    batch_id: str = ""
    """Of a batch in mode `validate`, whose chunks belong to it alone. Empty in mode `create`."""
    rows: tuple[bytes, ...] = field(repr=False)
    too_long: tuple[int, ...] = ()
    """The places of rows that were longer than a row may be."""
    longest_row_bytes: int
    """How long a row may be."""


def pack(content: ChunkContent) -> bytes:
    """The content as bytes, uncompressed: equal content gives equal bytes, from which the chunk's id is derived."""
    header = {
        "caller": content.caller,
        "name": content.name,
        "mode": content.mode,
        "may_import": content.may_import,
        "batch_id": content.batch_id,
        "too_long": content.too_long,
        "longest_row_bytes": content.longest_row_bytes,
    }
    return b"\n".join([json.dumps(header, separators=(",", ":")).encode(), *content.rows])


def compressed(packed: bytes) -> bytes:
    """Packed content as it is sealed."""
    return _VERSION + compress(packed)


def unpack(sealed_content: bytes) -> ChunkContent:
    """The content that was packed and compressed.

    Raises:
        UnknownContentVersionError: a newer release may be able to read it.
        ContentFormatError: the bytes are no content.
    """
    if not sealed_content.startswith(_VERSION):
        raise UnknownContentVersionError("content of a version that is not known here")
    try:
        header, *rows = expand(sealed_content[len(_VERSION) :], most_bytes=_MOST_BYTES).split(b"\n")
        fields = json.loads(header)
        return ChunkContent(
            caller=fields["caller"],
            name=fields["name"],
            mode=Mode(fields["mode"]),
            may_import=fields["may_import"],
            batch_id=fields["batch_id"],
            rows=tuple(rows),
            too_long=tuple(fields["too_long"]),
            longest_row_bytes=fields["longest_row_bytes"],
        )
    except (ExpansionError, ValueError, KeyError, TypeError, RecursionError):
        raise ContentFormatError("the bytes are no content of a chunk") from None
