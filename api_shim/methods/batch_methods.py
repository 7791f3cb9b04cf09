"""The methods about batches: parse, call one function, translate the answer."""

from __future__ import annotations

from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.intake.batches.batch_rows import RowsCutOffError
from api_shim.methods.answers import batch_answers as answers
from api_shim.methods.answers import task_answers
from api_shim.methods.requests import arguments, batch_request
from edge.answers import responses
from edge.answers.answer import Answer, AnswerCutOffError
from edge.json_body import read_json_body
from schemas.ids import new_task_id
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.steps.uploading import NewBatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from api_shim.intake.batches.batch_rows import BatchRows
    from api_shim.intake.batches.batches import Batches
    from api_shim.methods.batch_upload import BatchUploads
    from api_shim.methods.doorkeeper import Doorkeeper
    from api_shim.methods.requests.batch_request import RowsQuery
    from edge.answers.answer import StreamedAnswer
    from edge.bodies import Bodies
    from edge.request import HttpRequest
    from schemas.protocol.steps.batches import BatchSummary

BATCH_PATH: Final = "/customer/v1/customer.create.batch"
"""The path of `customer.create.batch`, without the prefix."""
BATCH_RESULT_PATH: Final = f"{BATCH_PATH}.result"
"""The path of `customer.create.batch.result`."""
BATCH_ROWS_PATH: Final = f"{BATCH_PATH}.rows"
"""The path of `customer.create.batch.rows`."""
BATCH_CANCEL_PATH: Final = f"{BATCH_PATH}.cancel"
"""The path of `customer.create.batch.cancel`."""
BATCH_LIST_PATH: Final = f"{BATCH_PATH}.list"
"""The path of `customer.create.batch.list`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMethods:
    """`customer.create.batch` and the methods that read, cancel and list batches."""

    doorkeeper: Doorkeeper
    bodies: Bodies
    uploads: BatchUploads
    batches: Batches
    batch_rows: BatchRows

    async def create(self, request: HttpRequest) -> Answer:
        """`POST customer.create.batch`."""
        caller = await self.doorkeeper.admit_to_create(request)
        if isinstance(caller, Answer):
            return caller
        coding = batch_request.body_coding(request)
        query = batch_request.batch_query(request)
        key = arguments.idempotency_key(request)
        wait = arguments.preferred_wait(request) or 0
        batch = NewBatch(
            batch_id=new_task_id(),
            caller=caller.subject,
            name=query.name or key or new_task_id(),
            mode=query.mode.value,
            ordered=query.ordered,
            traceparent=request.trace.sending(CHUNKS),
        )
        may_import = self.doorkeeper.may_import(caller)
        taken = await self.uploads.take_in(request, batch, coding=coding, may_import=may_import)
        if isinstance(taken, Answer):
            return taken
        request.trace.sent(batch.batch_id)
        summary = await self._wait(request, taken, wait) if wait else taken
        if wait and summary.has_ended:
            return answers.batch_done_in_time(summary, waited_for=wait)
        # The result has the same prefix as the path that this call came by.
        location = f"{request.route.removesuffix(BATCH_PATH)}{BATCH_RESULT_PATH}?id={batch.batch_id}"
        return answers.batch_accepted(summary, location=location)

    async def result(self, request: HttpRequest) -> Answer:
        """`GET` and `POST customer.create.batch.result`."""
        caller = await self.doorkeeper.admit(request)
        if isinstance(caller, Answer):
            return caller
        if request.method == "POST":
            _, document = await read_json_body(request, self.bodies)
            query = arguments.result_query_from_body(document)
        else:
            query = arguments.result_query(request)
        summary = await self.batches.read_or_wait(
            query.task_id,
            caller=caller.subject,
            seconds=query.wait_seconds,
            until_left=request.until_disconnected,
        )
        return _shown(request, query.task_id, summary)

    async def rows(self, request: HttpRequest) -> Answer | StreamedAnswer:
        """`GET customer.create.batch.rows`."""
        caller = await self.doorkeeper.admit(request)
        if isinstance(caller, Answer):
            return caller
        query = batch_request.rows_query(request)
        if await self.batches.read(query.batch_id, caller=caller.subject) is None:
            return task_answers.task_not_found(query.batch_id)
        request.belongs_to_batch(query.batch_id)
        if query.follow and not self.batch_rows.may_follow:
            return responses.service_unavailable()
        return answers.batch_rows(self._lines(query))

    async def cancel(self, request: HttpRequest) -> Answer:
        """`POST customer.create.batch.cancel`."""
        caller = await self.doorkeeper.admit_to_create(request)
        if isinstance(caller, Answer):
            return caller
        _, document = await read_json_body(request, self.bodies)
        batch_id = batch_request.batch_id_from_body(document)
        return _shown(request, batch_id, await self.batches.cancel(batch_id, caller=caller.subject))

    async def list(self, request: HttpRequest) -> Answer:
        """`GET customer.create.batch.list`."""
        caller = await self.doorkeeper.admit(request)
        if isinstance(caller, Answer):
            return caller
        batch_request.no_query(request)
        return answers.batch_list(await self.batches.list(caller=caller.subject))

    async def _wait(self, request: HttpRequest, summary: BatchSummary, seconds: int) -> BatchSummary:
        """What is known of a batch once it has ended, or the seconds are over."""
        with suppress(BrokerUnavailableError):
            known = await self.batches.read_or_wait(
                summary.batch_id, caller=summary.caller, seconds=seconds, until_left=request.until_disconnected
            )
            return known or summary
        return summary

    async def _lines(self, query: RowsQuery) -> AsyncGenerator[bytes, None]:
        lines = self.batch_rows.lines(
            query.batch_id, after=query.after, limit=query.limit, only_failed=query.only_failed, follow=query.follow
        )
        try:
            async with aclosing(lines):
                async for several in lines:
                    yield several
        except RowsCutOffError:
            raise AnswerCutOffError from None


def _shown(request: HttpRequest, batch_id: str, summary: BatchSummary | None) -> Answer:
    if summary is None:
        return task_answers.task_not_found(batch_id)
    request.belongs_to_batch(summary.batch_id)
    return answers.batch_result(summary)
