"""Accepting one chunk of a batch: packing, sealing, and one atomic call, tried while there is no room or no Redis."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.intake.promises import call_until_known
from schemas.batch.content import ChunkContent, Mode, compressed, pack
from schemas.protocol.steps import uploading
from schemas.protocol.steps.uploading import (
    BatchEnded,
    BatchTooLarge,
    ChunkAccepted,
    NewChunk,
    WorkedBefore,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_shim.broker.redis_calls import RedisCalls
    from schemas.batch.cutting import Chunk
    from schemas.ids import IdDeriver
    from schemas.protocol.message import MessageTemplate
    from schemas.protocol.steps.uploading import NewBatch
    from schemas.sealing import Sealer

UPLOAD_SECONDS: Final = 60.0
"""After so long without a sign of life an upload counts as broken off."""

_FIRST_PAUSE_SECONDS: Final = 0.05
"""The pause before the second try."""
_LONGEST_PAUSE_SECONDS: Final = 1.0
"""The pause to which those before further tries grow."""


class UploadStoppedError(Exception):
    """The batch takes no more rows. What was accepted of it stays accepted."""


class RowsFullError(UploadStoppedError):
    """As many rows are open as may be, and waiting did not help."""


class BatchTooLargeError(UploadStoppedError):
    """The batch would have more rows than one may have."""


class BatchCanceledError(UploadStoppedError):
    """The caller canceled the batch meanwhile."""


class UploadLostError(UploadStoppedError):
    """The upload was taken for broken off, or Redis has lost the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """How much may be uploaded."""

    longest_row_bytes: int
    batch_rows: int
    """As many rows a batch may have; 0 for no limit."""
    open_rows: int
    """As many rows of all callers may be open; 0 for no limit."""
    open_batches: int
    """As many batches of a caller may be open; 0 for no limit."""
    rate_per_second: float
    rate_burst: int
    seconds: float
    """How long one call is tried while Redis does not answer."""
    patience_seconds: float
    """How long a chunk is tried while there is no room for it, or no Redis. Its client is not read from meanwhile."""


class Patience:
    """Pauses between tries, until their time is over."""

    def __init__(self, seconds: float, is_ending: Callable[[], bool]) -> None:
        """`is_ending` tells whether the process stops, so that nothing is tried any more."""
        self._is_ending = is_ending
        self._until = asyncio.get_running_loop().time() + seconds
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    async def pause(self) -> bool:
        """Wait for a moment. False: the time is over, and nothing was waited for."""
        if self._is_ending() or asyncio.get_running_loop().time() >= self._until:
            return False
        await asyncio.sleep(self._pause_seconds)
        self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
        return True


class ChunkAcceptor:
    """Accepts chunks. Once `accept` has returned, an outcome of each of its rows will follow."""

    def __init__(
        self,
        calls: RedisCalls,
        *,
        sealer: Sealer,
        ids: IdDeriver,
        message: MessageTemplate,
        limits: UploadLimits,
        is_ending: Callable[[], bool],
    ) -> None:
        """`is_ending` tells whether the process stops, so that nothing is waited for any more."""
        self.limits = limits
        self._calls = calls
        self._sealer = sealer
        self._ids = ids
        self._message = message
        self._is_ending = is_ending

    def patience(self) -> Patience:
        """For calls that have to wait for room, or for Redis."""
        return Patience(self.limits.patience_seconds, self._is_ending)

    async def accept(self, chunk: Chunk, batch: NewBatch, *, may_import: bool) -> bool:
        """Append a chunk to its batch, and put it on the queue where it is not known. Returns whether it was known.

        Args:
            chunk: the rows.
            batch: the batch, which was begun.
            may_import: whether the rows may have password hashes that another system made.

        Raises:
            UploadStoppedError: the chunk was not accepted, and no later one will be.
            BrokerUnavailableError: Redis did not confirm in time. Only where it carried out a try and every answer was
                lost, the chunk is accepted all the same.
        """
        content = pack(
            ChunkContent(
                caller=batch.caller,
                name=batch.name,
                mode=Mode(batch.mode),
                may_import=may_import,
                batch_id=batch.batch_id if batch.mode == Mode.VALIDATE else "",
                rows=chunk.rows,
                too_long=chunk.too_long,
                longest_row_bytes=self.limits.longest_row_bytes,
            )
        )
        reply = await self._accept(self._new_chunk(chunk, batch, content, generation=0))
        while isinstance(reply, WorkedBefore):
            reply = await self._accept(self._new_chunk(chunk, batch, content, generation=reply.generation))
        return reply.known

    def _new_chunk(self, chunk: Chunk, batch: NewBatch, content: bytes, *, generation: int) -> NewChunk:
        chunk_id = self._ids.chunk_id(content, generation=generation)
        return NewChunk(
            chunk_id=chunk_id,
            first_id=self._ids.chunk_id(content, generation=0) if generation else chunk_id,
            generation=generation,
            batch_id=batch.batch_id,
            caller=batch.caller,
            sealed=self._sealer.seal(task_id=chunk_id, body=compressed(content)),
            rows=len(chunk.rows),
            first_line=chunk.first_line,
            lines=chunk.lines,
            traceparent=batch.traceparent,
        )

    async def _accept(self, chunk: NewChunk) -> ChunkAccepted | WorkedBefore:
        call = uploading.accept_chunk(
            chunk,
            message=self._message.message(chunk.chunk_id),
            most_open_rows=self.limits.open_rows,
            most_batch_rows=self.limits.batch_rows,
            upload_seconds=UPLOAD_SECONDS,
        )
        patience = self.patience()
        while True:
            failure: Exception = RowsFullError()
            try:
                reply = await call_until_known(self._calls, call, seconds=self.limits.seconds)
            except BrokerUnavailableError as error:
                failure = error
            else:
                match reply:
                    case ChunkAccepted() | WorkedBefore():
                        return reply
                    case BatchTooLarge():
                        raise BatchTooLargeError
                    case BatchEnded(canceled):
                        raise BatchCanceledError if canceled else UploadLostError
            # The same call once more: it changes nothing where an earlier try was carried out after all.
            if not await patience.pause():
                raise failure
