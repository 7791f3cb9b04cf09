"""The methods: parse, call one function, translate the answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from api_shim import http_request, responses
from api_shim.accept import AcceptedTask, Acceptor, KeyReused, QueueFull, RateLimited
from api_shim.redis_calls import BrokerUnavailableError
from api_shim.results import DeadLetter, Finished, NotFound, Reading, Results, Unfinished
from schemas.task_record import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from api_shim.metrics import ShimMetrics
    from api_shim.tokens import Caller, TokenVerifier

CREATE_PATH: Final = "/customer/v1/customer.create"
RESULT_PATH: Final = "/customer/v1/customer.create.result"


class Methods:
    """`customer.create` and `customer.create.result`."""

    def __init__(
        self,
        *,
        tokens: TokenVerifier,
        acceptor: Acceptor,
        results: Results,
        metrics: ShimMetrics,
        maximum_body_bytes: int,
    ) -> None:
        self._tokens = tokens
        self._acceptor = acceptor
        self._results = results
        self._metrics = metrics
        self._maximum_body_bytes = maximum_body_bytes

    async def create(self, request: Request) -> Response:
        """`POST customer.create`."""
        caller = self._tokens.verify(request.headers.get("authorization"))
        if caller is None:
            return responses.invalid_token()
        if not self._tokens.may_create(caller):
            return responses.insufficient_scope()
        return await _with_request_faults(lambda: self._create(request, caller))

    async def result(self, request: Request) -> Response:
        """`GET` and `POST customer.create.result`."""
        caller = self._tokens.verify(request.headers.get("authorization"))
        if caller is None:
            return responses.invalid_token()
        return await _with_request_faults(lambda: self._result(request, caller))

    async def _create(self, request: Request, caller: Caller) -> Response:
        body, _ = await http_request.read_json_body(request, maximum_bytes=self._maximum_body_bytes)
        key = http_request.idempotency_key(request)
        admission = await self._acceptor.accept(body, caller=caller.subject, idempotency_key=key)
        match admission:
            case KeyReused():
                self._metrics.refused("idempotency_key_reused")
                return responses.idempotency_key_reused()
            case QueueFull():
                self._metrics.refused("queue_full")
                return responses.queue_full()
            case RateLimited(retry_after_seconds):
                self._metrics.refused("rate_limited")
                return responses.rate_limited(retry_after_seconds)
            case AcceptedTask():
                pass
        self._metrics.accepted(repeated=admission.repeated)
        request.state.task_id = admission.task_id
        state = admission.state
        wait = http_request.preferred_wait(request)
        if wait:
            try:
                reading = await self._wait(request, admission.task_id, caller=caller, seconds=wait)
            except BrokerUnavailableError:
                reading = Unfinished(state)  # it is accepted all the same
            if isinstance(reading, Finished):
                return responses.created_in_time(reading.response, waited_for=wait)
            state = reading.state if isinstance(reading, Unfinished) else state
            state = State.FAILURE if isinstance(reading, DeadLetter) else state
        # The same prefix as the call came by.
        location = f"{request.scope['path'].removesuffix(CREATE_PATH)}{RESULT_PATH}?id={admission.task_id}"
        return responses.accepted(admission.task_id, state, location=location)

    async def _result(self, request: Request, caller: Caller) -> Response:
        if request.method == "POST":
            _, document = await http_request.read_json_body(request, maximum_bytes=self._maximum_body_bytes)
            query = http_request.result_query_from_body(document)
        else:
            query = http_request.result_query(request)
        if query.wait_seconds:
            reading = await self._wait(request, query.task_id, caller=caller, seconds=query.wait_seconds)
        else:
            reading = await self._results.read(query.task_id, caller=caller.subject)
        if not isinstance(reading, NotFound):
            request.state.task_id = query.task_id
        match reading:
            case Finished(response):
                return responses.finished(response)
            case Unfinished(state):
                return responses.unfinished(query.task_id, state)
            case DeadLetter():
                return responses.dead_letter(query.task_id)
            case NotFound():
                return responses.task_not_found(query.task_id)

    async def _wait(self, request: Request, task_id: str, *, caller: Caller, seconds: int) -> Reading:
        """Wait for the outcome, and no longer than the client does."""
        outcome = asyncio.create_task(self._results.wait(task_id, caller=caller.subject, seconds=seconds))
        gone = asyncio.create_task(_disconnected(request))
        try:
            await asyncio.wait({outcome, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not outcome.done():
                raise ClientDisconnect
            return outcome.result()
        finally:
            for task in (outcome, gone):
                task.cancel()
            await asyncio.gather(outcome, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _with_request_faults(answer: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await answer()
    except http_request.InvalidRequestPartError as error:
        return responses.validation_error(error.field, error.message)
    except http_request.UnsupportedMediaTypeError:
        return responses.unsupported_media_type()
    except http_request.PayloadTooLargeError:
        return responses.payload_too_large()
    except BrokerUnavailableError:
        return responses.service_unavailable()
