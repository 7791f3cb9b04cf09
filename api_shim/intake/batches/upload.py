"""The upload of a batch: its body is cut into chunks as it comes, and each chunk is accepted before more is read."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, cast

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.intake.batches.chunks import UPLOAD_SECONDS, UploadLostError, UploadStoppedError
from api_shim.intake.promises import call_until_known
from schemas.batch.cutting import Cutter, EncodingFaultError
from schemas.protocol.steps import uploading
from schemas.protocol.steps.uploading import BatchOpened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from api_shim.broker.redis_calls import RedisCalls
    from api_shim.intake.batches.chunks import ChunkAcceptor
    from schemas.batch.cutting import Chunk
    from schemas.protocol.steps.accepting import RateLimited
    from schemas.protocol.steps.batches import BatchSummary
    from schemas.protocol.steps.uploading import NewBatch, TooManyBatches

_KEEP_EVERY_SECONDS: Final = 15.0
"""How often an upload gives a sign of life, also while its client or Redis is slow."""

_SLICE_BYTES: Final = 8 * 1024
"""How much is cut at once, before other requests have their turn. Blank lines alone take some milliseconds for it."""


class Uploads:
    """Begins uploads."""

    def __init__(self, calls: RedisCalls, acceptor: ChunkAcceptor, *, on_accepted: Callable[[int, bool], None]) -> None:
        """`on_accepted` is called for each accepted chunk, with its number of rows and whether it was known."""
        self._calls = calls
        self._acceptor = acceptor
        self._on_accepted = on_accepted

    async def begin(self, batch: NewBatch, *, may_import: bool) -> Upload | TooManyBatches | RateLimited:
        """Begin a batch. `may_import` says whether its rows may have password hashes that another system made.

        Raises:
            BrokerUnavailableError: Redis did not confirm in time.
        """
        limits = self._acceptor.limits
        call = uploading.open_batch(
            batch,
            most_open=limits.open_batches,
            rate_per_second=limits.rate_per_second,
            rate_burst=limits.rate_burst,
            upload_seconds=UPLOAD_SECONDS,
        )
        reply = await call_until_known(self._calls, call, seconds=limits.seconds)
        if not isinstance(reply, BatchOpened):
            return cast("TooManyBatches | RateLimited", reply)
        return Upload(self._calls, self._acceptor, batch, may_import=may_import, on_accepted=self._on_accepted)


class Upload:
    """One upload. After an exception of `write` or `finish`, `break_off` ends it."""

    def __init__(
        self,
        calls: RedisCalls,
        acceptor: ChunkAcceptor,
        batch: NewBatch,
        *,
        may_import: bool,
        on_accepted: Callable[[int, bool], None],
    ) -> None:
        """See `Uploads`."""
        self.batch = batch
        self.rows = 0
        """How many rows were accepted."""
        self._calls = calls
        self._acceptor = acceptor
        self._may_import = may_import
        self._on_accepted = on_accepted
        self._cutter = Cutter(maximum_row_bytes=acceptor.limits.longest_row_bytes)

    @property
    def line(self) -> int:
        """The number of the line that is being read, from 1."""
        return self._cutter.line

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Give signs of life inside this block."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()

    async def write(self, piece: bytes) -> None:
        """Take the next bytes of the body. Returns once each chunk that they complete is accepted.

        Raises:
            EncodingFaultError: the body cannot be read from a line on. The rows before it are accepted.
            UploadStoppedError: the batch takes no more rows.
            BrokerUnavailableError: Redis did not confirm a chunk in time.
        """
        for start in range(0, len(piece), _SLICE_BYTES):
            await self._accept_all(self._cutter.feed(piece[start : start + _SLICE_BYTES]))
            await asyncio.sleep(0)

    async def finish(self) -> BatchSummary:
        """Accept the rest of the body, which has ended, and end the upload. Raises as `write` does."""
        await self._accept_all(self._cutter.end())
        patience = self._acceptor.patience()
        while True:
            try:
                summary = await self._calls.run(uploading.end_upload(self.batch.batch_id, complete=True))
            except BrokerUnavailableError:
                if not await patience.pause():
                    raise
            else:
                if summary is None:
                    raise UploadLostError
                return summary

    async def break_off(self, *, keep_rest: bool) -> BatchSummary | None:
        """End the upload before its time, as far as Redis lets us.

        Args:
            keep_rest: whether rows that came whole and are in no chunk yet are accepted first.

        Returns:
            The batch; None where Redis did not tell. The upload then ends by itself after a while.
        """
        if keep_rest:
            with suppress(EncodingFaultError, UploadStoppedError, BrokerUnavailableError):
                await self._accept_all(self._rows_so_far())
        with suppress(BrokerUnavailableError):
            return await self._calls.run(uploading.end_upload(self.batch.batch_id, complete=False))
        return None

    def _rows_so_far(self) -> Iterable[Chunk]:
        rest = self._cutter.rows_so_far()
        if rest is not None:
            yield rest

    async def _accept_all(self, chunks: Iterable[Chunk]) -> None:
        try:
            for chunk in chunks:
                await self._accept(chunk)
        except EncodingFaultError as fault:
            if fault.chunk is not None:
                await self._accept(fault.chunk)
            raise

    async def _accept(self, chunk: Chunk) -> None:
        known = await self._acceptor.accept(chunk, self.batch, may_import=self._may_import)
        self.rows += len(chunk.rows)
        self._on_accepted(len(chunk.rows), known)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_EVERY_SECONDS)
            # Where the batch takes no more chunks, the next one is told.
            with suppress(BrokerUnavailableError):
                await self._calls.run(uploading.keep_upload(self.batch.batch_id, upload_seconds=UPLOAD_SECONDS))
