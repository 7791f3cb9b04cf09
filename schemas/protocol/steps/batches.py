"""The shim's steps for batches that were begun: read them, read their rows' results, cancel them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.batch_keys import BatchField, batch_key
from schemas.protocol.lua_files import load_script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.protocol.call import Call, Script

_READ_BATCH: Final[Script] = load_script("read_batch")
"""The step that reads a batch."""
_LIST_BATCHES: Final[Script] = load_script("list_batches")
"""The step that reads a caller's batches."""
_READ_CHUNKS: Final[Script] = load_script("read_chunks")
"""The step that reads results."""
_CANCEL_BATCH: Final[Script] = load_script("cancel_batch")
"""The step that cancels a batch."""

_OUTCOME: Final = "outcome:"
"""How the fields begin that count rows by their outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceling:
    """What one call did that cancels a batch."""

    is_over: bool
    """Whether all chunks were looked at. Otherwise the same call goes on."""
    changed: bool
    """Whether the batch is canceled by this very call. False where it was before, or had ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSummary:
    """What is known of a batch. Times are Unix milliseconds by Redis' clock."""

    batch_id: str
    caller: str
    name: str
    mode: str
    ordered: bool
    rows: int
    """How many rows were accepted."""
    finished: int
    """How many of them have an outcome."""
    outcomes: Mapping[str, int]
    """Name of an outcome → how many rows have it. Only names with rows."""
    upload_ended: bool
    complete: bool
    """Whether the upload ended as it should."""
    canceled: bool
    accepted_at: int
    last_at: int | None
    """When rows got their outcomes last; None while no row has one."""
    finished_at: int | None
    expires_at: int | None
    """Until when the batch can be read; None where that is not known yet."""
    now: int
    """When this was read."""

    @property
    def has_ended(self) -> bool:
        """Whether no more rows come and each row has its outcome."""
        return self.upload_ended and self.finished >= self.rows


@dataclass(frozen=True, slots=True)
class RangeResults:
    """What became of a range of a chunk's rows."""

    first: int
    """The place of the range's first row in the chunk."""
    end: int
    """The place after its last row."""
    results: bytes = field(repr=False)
    """Packed results, or one of `schemas.protocol.batch_keys.CANCELED`, `PARKED` and `WAITING`."""


@dataclass(frozen=True, slots=True)
class ChunkView:
    """A chunk as one of its batches shows it."""

    lines: str
    """The numbers of the rows' lines, as runs."""
    rows: int
    """-1 where the chunk's record is gone."""
    known: bool
    """A batch had listed the chunk before: rows that it created are shown as repeated."""
    ranges: tuple[RangeResults, ...]
    """Wider ranges first: where two of them hold one row, the later one counts. Rows in none have no outcome yet."""


def read_batch(batch_id: str) -> Call[BatchSummary | None]:
    """What is known of a batch; None where there is no such batch. Changes nothing."""
    return _READ_BATCH.call(summary_of_reply, keys={"batch_key": batch_key(batch_id)}, arguments={"batch_id": batch_id})


def list_batches(caller: str, *, most: int) -> Call[tuple[BatchSummary, ...]]:
    """The caller's batches that can be read, up to `most` of them, the newest first. Changes nothing."""
    return _LIST_BATCHES.call(_summaries, keys={}, arguments={"caller": caller, "most": most})


def read_chunks(batch_id: str, *, after: int, most: int) -> Call[tuple[ChunkView, ...]]:
    """Up to `most` chunks of a batch in the order of lines. Changes nothing.

    Args:
        batch_id: the batch.
        after: the first chunk is the last one that begins at this line or before it; 0 for the very first.
        most: how many chunks.
    """
    return _READ_CHUNKS.call(_views, keys={}, arguments={"batch_id": batch_id, "after": after, "most": most})


def cancel_batch(batch_id: str, *, most: int) -> Call[Canceling | None]:
    """Cancel a batch: give rows that nobody has started on the outcome `canceled`.

    Args:
        batch_id: the batch.
        most: how many chunks one call looks at.

    Returns:
        A call whose reply says how far it came. None: there is no such batch.
    """
    return _CANCEL_BATCH.call(
        _canceling, keys={"batch_key": batch_key(batch_id)}, arguments={"batch_id": batch_id, "most": most}
    )


def summary_of_reply(reply: Any) -> BatchSummary | None:
    """The batch that a script replied."""
    if not reply:
        return None
    texts = [str(each) if isinstance(each, int) else each.decode() for each in reply]
    fields: dict[str, str] = dict(zip(texts[::2], texts[1::2], strict=True))
    return BatchSummary(
        batch_id=fields["id"],
        caller=fields[BatchField.CALLER],
        name=fields[BatchField.NAME],
        mode=fields[BatchField.MODE],
        ordered=fields[BatchField.ORDERED] == "1",
        rows=int(fields[BatchField.ROWS]),
        finished=int(fields[BatchField.FINISHED]),
        outcomes={
            name.removeprefix(_OUTCOME): int(count)
            for name, count in fields.items()
            if name.startswith(_OUTCOME) and int(count) > 0
        },
        upload_ended=fields[BatchField.UPLOAD_ENDED] == "1",
        complete=fields[BatchField.COMPLETE] == "1",
        canceled=fields[BatchField.CANCELED] == "1",
        accepted_at=int(fields[BatchField.ACCEPTED_AT]),
        last_at=_optional_time(fields.get(BatchField.LAST_AT)),
        finished_at=_optional_time(fields.get(BatchField.FINISHED_AT)),
        expires_at=_optional_time(fields.get(BatchField.EXPIRES_AT)),
        now=int(fields["now"]),
    )


def _optional_time(text: str | None) -> int | None:
    return None if text is None else int(float(text))


def _canceling(reply: Any) -> Canceling | None:
    return None if reply is None else Canceling(is_over=bool(reply[0]), changed=bool(reply[1]))


def _summaries(reply: Any) -> tuple[BatchSummary, ...]:
    return tuple(summary for each in reply if (summary := summary_of_reply(each)) is not None)


def _views(reply: Any) -> tuple[ChunkView, ...]:
    return tuple(_view(*each) for each in reply)


def _view(how: bytes, lines: bytes, rows: int, *ranges: Any) -> ChunkView:
    triples = zip(ranges[::3], ranges[1::3], ranges[2::3], strict=True)
    found = sorted((RangeResults(*each) for each in triples), key=lambda each: each.first - each.end)
    return ChunkView(lines.decode(), rows, how == b"k", tuple(found))
