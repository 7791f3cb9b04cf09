"""The shim's steps of an upload: begin a batch, append chunks to it, end the upload."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.batch_keys import batch_key
from schemas.protocol.keys import rate_key, record_key
from schemas.protocol.lua_files import load_script
from schemas.protocol.steps.accepting import Late, RateLimited
from schemas.protocol.steps.batches import summary_of_reply

if TYPE_CHECKING:
    from schemas.protocol.call import Call, Script
    from schemas.protocol.steps.batches import BatchSummary

_OPEN_BATCH: Final[Script] = load_script("open_batch")
"""The step that begins a batch."""
_ACCEPT_CHUNK: Final[Script] = load_script("accept_chunk")
"""The step that accepts a chunk."""
_KEEP_UPLOAD: Final[Script] = load_script("keep_upload")
"""The step that tells that an upload goes on."""
_END_UPLOAD: Final[Script] = load_script("end_upload")
"""The step that ends an upload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """A batch that is to be begun."""

    batch_id: str
    """A new random id in the form of a task id."""
    caller: str
    """The subject of the request's token."""
    name: str
    mode: str
    ordered: bool
    traceparent: str = ""
    """Where the trace of the upload goes on; empty where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChunk:
    """A chunk that is to be accepted."""

    chunk_id: str
    first_id: str
    """The id of the chunk's first generation: of generation 0."""
    generation: int
    """How often chunks with the same rows were worked before, and had rows that failed."""
    batch_id: str
    caller: str
    sealed: bytes = field(repr=False)
    rows: int
    first_line: int
    """The number of the line of the first row."""
    lines: str
    """The numbers of the lines of all rows, as runs."""
    traceparent: str = ""
    """That of the batch."""


@dataclass(frozen=True, slots=True)
class BatchOpened:
    """The batch takes chunks now, by this call or an earlier try of it."""


@dataclass(frozen=True, slots=True)
class TooManyBatches:
    """As many batches of the caller are open as may be."""


@dataclass(frozen=True, slots=True)
class ChunkAccepted:
    """The chunk is in its batch, and each of its rows will have an outcome."""

    known: bool
    """A batch had listed the same chunk before: nothing is worked twice."""


@dataclass(frozen=True, slots=True)
class WorkedBefore:
    """The chunk of this generation has ended, and some of its rows failed. Nothing was changed."""

    generation: int
    """The generation with which the call is to be made again, so that the rows are worked once more."""


@dataclass(frozen=True, slots=True)
class RowsFull:
    """As many rows are open as may be. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class BatchTooLarge:
    """The batch would have more rows than one may have. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class BatchEnded:
    """The batch takes no more chunks: its upload was taken for broken off, or it was canceled. Nothing was changed."""

    canceled: bool


OpenReply = BatchOpened | TooManyBatches | RateLimited | Late
ChunkReply = ChunkAccepted | WorkedBefore | RowsFull | BatchTooLarge | BatchEnded | Late


def open_batch(
    batch: NewBatch, *, most_open: int, rate_per_second: float, rate_burst: int, upload_seconds: float
) -> Call[OpenReply]:
    """Begin a batch. The call has a deadline.

    Args:
        batch: what is begun.
        most_open: as many batches of a caller may be open; 0 for no limit.
        rate_per_second: as many requests a caller may make a second, of which this is one; 0 for no limit.
        rate_burst: as many requests a caller may make at once.
        upload_seconds: after so long without a sign of life the upload counts as broken off.
    """
    cost_milliseconds = 1000 / rate_per_second if rate_per_second else 0.0
    return _OPEN_BATCH.call(
        _opened,
        keys={"batch_key": batch_key(batch.batch_id), "rate_key": rate_key(batch.caller)},
        arguments={
            "batch_id": batch.batch_id,
            "caller": batch.caller,
            "name": batch.name,
            "mode": batch.mode,
            "ordered": int(batch.ordered),
            "most_open": most_open,
            "cost": f"{cost_milliseconds:.3f}",
            "burst": f"{cost_milliseconds * rate_burst:.3f}",
            "upload_milliseconds": int(1000 * upload_seconds),
            "traceparent": batch.traceparent,
        },
    )


def accept_chunk(
    chunk: NewChunk, *, message: bytes, most_open_rows: int, most_batch_rows: int, upload_seconds: float
) -> Call[ChunkReply]:
    """Accept a chunk and append it to its batch. The call has a deadline, and may be repeated.

    Args:
        chunk: what is accepted.
        message: the chunk's Celery message.
        most_open_rows: as many rows of all callers may be open; 0 for no limit.
        most_batch_rows: as many rows a batch may have; 0 for no limit.
        upload_seconds: as in `open_batch`, from now on.
    """
    return _ACCEPT_CHUNK.call(
        _chunk_reply,
        keys={
            "record_key": record_key(chunk.chunk_id),
            "first_key": record_key(chunk.first_id),
            "batch_key": batch_key(chunk.batch_id),
        },
        arguments={
            "chunk_id": chunk.chunk_id,
            "generation": chunk.generation,
            "batch_id": chunk.batch_id,
            "caller": chunk.caller,
            "sealed": chunk.sealed,
            "rows": chunk.rows,
            "first_line": chunk.first_line,
            "lines": chunk.lines,
            "message": message,
            "most_open_rows": most_open_rows,
            "most_batch_rows": most_batch_rows,
            "upload_milliseconds": int(1000 * upload_seconds),
            "traceparent": chunk.traceparent,
        },
    )


def keep_upload(batch_id: str, *, upload_seconds: float) -> Call[bool]:
    """Tell that the upload goes on; the reply says whether the batch takes more chunks. See `open_batch`."""
    return _KEEP_UPLOAD.call(
        bool,
        keys={"batch_key": batch_key(batch_id)},
        arguments={"batch_id": batch_id, "upload_milliseconds": int(1000 * upload_seconds)},
    )


def end_upload(batch_id: str, *, complete: bool) -> Call[BatchSummary | None]:
    """End the upload; the reply is the batch, or None where there is none. The call may be repeated.

    `complete` says whether the upload ended as it should.
    """
    return _END_UPLOAD.call(
        summary_of_reply,
        keys={"batch_key": batch_key(batch_id)},
        arguments={"batch_id": batch_id, "complete": int(complete)},
    )


def _opened(reply: Any) -> OpenReply:
    code = reply[0]
    if code == b"rate_limited":
        return RateLimited(reply[1] / 1000)
    return _PLAIN_OPEN_REPLIES[code]


def _chunk_reply(reply: Any) -> ChunkReply:
    code = reply[0]
    if code == b"worked_before":
        return WorkedBefore(reply[1])
    if code == b"ended":
        return BatchEnded(reply[1] == b"1")
    return _PLAIN_CHUNK_REPLIES[code]


_PLAIN_OPEN_REPLIES: Final[dict[bytes, BatchOpened | TooManyBatches | Late]] = {
    b"opened": BatchOpened(),
    b"too_many": TooManyBatches(),
    b"late": Late(),
}
"""The replies of OPEN_BATCH that say nothing but their code."""

_PLAIN_CHUNK_REPLIES: Final[dict[bytes, ChunkAccepted | RowsFull | BatchTooLarge | Late]] = {
    b"accepted": ChunkAccepted(known=False),
    b"known": ChunkAccepted(known=True),
    b"rows_full": RowsFull(),
    b"too_large": BatchTooLarge(),
    b"late": Late(),
}
"""The replies of ACCEPT_CHUNK that say nothing but their code."""
