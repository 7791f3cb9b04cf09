"""An upload as HTTP sees it: the body is read piece by piece, and what ends it before its time becomes an answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import ClientDisconnect

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.intake.batches.chunks import BatchCanceledError, BatchTooLargeError, RowsFullError, UploadStoppedError
from api_shim.methods.answers import batch_answers as answers
from api_shim.methods.answers import task_answers
from api_shim.methods.answers.batch_answers import BatchStatus
from edge.bodies import BodyTooSlowError, PayloadTooLargeError
from edge.content_coding import BrokenCodingError, gunzipped
from schemas.batch.cutting import EncodingFaultError
from schemas.protocol.steps.accepting import RateLimited
from schemas.protocol.steps.uploading import TooManyBatches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api_shim.intake.batches.upload import Upload, Uploads
    from api_shim.methods.requests.batch_request import Coding
    from api_shim.metrics import ShimMetrics
    from edge.answers.answer import Answer
    from edge.bodies import Bodies
    from edge.bounds import UploadsAtOnce
    from edge.request import HttpRequest
    from schemas.protocol.steps.batches import BatchSummary
    from schemas.protocol.steps.uploading import NewBatch

_BROKEN_CODING: Final = "is where the body stops being what its Content-Encoding says, or ends too early"
"""What is said of a compressed body that is broken, after the number of the line."""

log = structlog.get_logger("api_shim.batches")


class BatchUploads:
    """Takes batches in."""

    def __init__(
        self, uploads: Uploads, bodies: Bodies, *, at_once: UploadsAtOnce, maximum_bytes: int, metrics: ShimMetrics
    ) -> None:
        """`maximum_bytes` bounds each body, as it comes and as it is decoded."""
        self._uploads = uploads
        self._bodies = bodies
        self._at_once = at_once
        self._maximum_bytes = maximum_bytes
        self._metrics = metrics

    async def take_in(
        self, request: HttpRequest, batch: NewBatch, *, coding: Coding, may_import: bool
    ) -> BatchSummary | Answer:
        """Begin a batch and take the whole body in.

        Returns:
            The batch, where every row was accepted or the caller canceled it meanwhile; else the answer.

        Raises:
            NoRoomError: as many uploads run as may.
            BrokerUnavailableError: the batch could not be begun.
            ClientDisconnect: the client has left. The rows that came whole are accepted.
        """
        with self._at_once.one_more():
            upload = await self._uploads.begin(batch, may_import=may_import)
            if isinstance(upload, TooManyBatches | RateLimited):
                self._metrics.upload_ended("rate_limited")
                return _not_begun(upload)
            request.belongs_to_batch(batch.batch_id)
            began_at = time.monotonic()
            result = "failed"
            try:
                result, ended = await self._taken_in(request, upload, coding)
            except ClientDisconnect:
                result = "client_left"
                raise
            finally:
                self._metrics.upload_ended(result)
                log.info(
                    "batch_uploaded",
                    batch_id=batch.batch_id,
                    result=result,
                    rows=upload.rows,
                    seconds=round(time.monotonic() - began_at, 3),
                )
            return ended

    async def _taken_in(
        self, request: HttpRequest, upload: Upload, coding: Coding
    ) -> tuple[str, BatchSummary | Answer]:
        async with upload.kept():
            try:
                async for piece in self._pieces(request, coding):
                    await upload.write(piece)
                return "accepted", await upload.finish()
            except ClientDisconnect:
                await upload.break_off(keep_rest=True)
                raise
            except (PayloadTooLargeError, BodyTooSlowError, BrokenCodingError) as error:
                # The rows that came whole before that are accepted.
                line = upload.line
                return self._broken_off(error, upload, await upload.break_off(keep_rest=True), line)
            except (EncodingFaultError, UploadStoppedError, BrokerUnavailableError) as error:
                summary = await upload.break_off(keep_rest=False)
                if isinstance(error, BatchCanceledError) and summary is not None:
                    return "canceled", summary
                return self._broken_off(error, upload, summary, upload.line)

    def _pieces(self, request: HttpRequest, coding: Coding) -> AsyncIterator[bytes]:
        pieces = self._bodies.pieces(request, maximum_bytes=self._maximum_bytes)
        return gunzipped(pieces, maximum_bytes=self._maximum_bytes) if coding == "gzip" else pieces

    def _broken_off(
        self, error: Exception, upload: Upload, summary: BatchSummary | None, line: int
    ) -> tuple[str, Answer]:
        """What became of the upload: its name in metrics, and the answer."""
        batch = (
            answers.batch_head(upload.batch.batch_id, upload.batch.name, BatchStatus.RUNNING, rows=upload.rows)
            if summary is None
            else answers.head_of(summary)
        )
        is_ending = self._bodies.is_hurried
        match error:
            case EncodingFaultError():
                return "validation_error", answers.broken_encoding(batch, line=error.line, message=error.message)
            case BrokenCodingError():
                return "validation_error", answers.broken_encoding(batch, line=line, message=_BROKEN_CODING)
            case PayloadTooLargeError() | BatchTooLargeError():
                return "payload_too_large", answers.upload_too_large(batch)
            case BodyTooSlowError() if not is_ending:
                return "request_timeout", answers.upload_too_slow(batch)
            case RowsFullError() if not is_ending:
                return "queue_full", answers.rows_full(batch)
            case _:
                return "service_unavailable", answers.upload_unavailable(batch, is_ending=is_ending)


def _not_begun(refusal: TooManyBatches | RateLimited) -> Answer:
    if isinstance(refusal, RateLimited):
        return task_answers.rate_limited(refusal.retry_after_seconds)
    return answers.too_many_batches()
