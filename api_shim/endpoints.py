"""The methods: parse, call one function, translate the answer."""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.edge import request as http_request
from api_shim.edge import responses
from api_shim.edge.bodies import BodyTooSlowError, PayloadTooLargeError
from api_shim.edge.request import HttpRequest
from api_shim.intake.accept import AcceptedTask, Acceptor, KeyReused, QueueFull, RateLimited
from api_shim.intake.results import DeadLetter, Finished, NotFound, Results, Unfinished
from api_shim.tokens.faults import DESCRIPTIONS, TokenFault
from schemas.protocol.keys import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from api_shim.edge.bodies import Bodies
    from api_shim.edge.responses import Answer
    from api_shim.intake.accept import Admission
    from api_shim.intake.subscription import Listener
    from api_shim.metrics import ShimMetrics
    from api_shim.tokens.callers import Callers
    from api_shim.tokens.verifier import Caller

CREATE_PATH: Final = "/customer/v1/customer.create"
RESULT_PATH: Final = "/customer/v1/customer.create.result"


class Endpoint:
    """A method as an ASGI application."""

    def __init__(self, method: Callable[[HttpRequest], Awaitable[Answer]]) -> None:
        self._method = method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the faults that the request has translated."""
        try:
            answer = await self._method(HttpRequest(scope, receive))
        except http_request.InvalidRequestPartError as error:
            answer = responses.validation_error(error.field, error.message)
        except http_request.UnsupportedMediaTypeError:
            answer = responses.unsupported_media_type()
        except PayloadTooLargeError:
            answer = responses.payload_too_large()
        except BodyTooSlowError:
            answer = responses.request_timeout()
        except BrokerUnavailableError:
            answer = responses.service_unavailable()
        await answer(scope, receive, send)


class Methods:
    """`customer.create` and `customer.create.result`."""

    def __init__(
        self,
        *,
        callers: Callers,
        create_scope: str,
        acceptor: Acceptor,
        results: Results,
        metrics: ShimMetrics,
        bodies: Bodies,
    ) -> None:
        self._callers = callers
        self._create_scope = create_scope
        self._acceptor = acceptor
        self._results = results
        self._metrics = metrics
        self._bodies = bodies

    async def create(self, request: HttpRequest) -> Answer:
        """`POST customer.create`."""
        caller = await self._callers.identify(request.header(b"authorization"))
        if isinstance(caller, TokenFault):
            return self._refused(request, caller)
        if not self._callers.may_create(caller):
            return responses.insufficient_scope(self._create_scope)
        return await self._create(request, caller)

    async def result(self, request: HttpRequest) -> Answer:
        """`GET` and `POST customer.create.result`."""
        caller = await self._callers.identify(request.header(b"authorization"))
        if isinstance(caller, TokenFault):
            return self._refused(request, caller)
        return await self._result(request, caller)

    def _refused(self, request: HttpRequest, fault: TokenFault) -> Answer:
        self._metrics.token_refused(fault)
        request.refused_for(fault)
        if fault is TokenFault.NO_KEYS:
            return responses.service_unavailable()
        return responses.invalid_token(DESCRIPTIONS.get(fault))

    async def _create(self, request: HttpRequest, caller: Caller) -> Answer:
        body, _ = await http_request.read_json_body(request, self._bodies)
        key = http_request.idempotency_key(request)
        wait = http_request.preferred_wait(request)
        task_id = self._acceptor.task_id(caller=caller.subject, idempotency_key=key)
        # Listened for from before there can be an outcome, so that it need not be looked for.
        with closing(self._results.expect(task_id)) if wait else nullcontext() as expected:
            admission = await self._acceptor.accept(
                task_id,
                body,
                caller=caller.subject,
                repeatable=key is not None,
                waiter=expected.channel if expected else "",
            )
            return await self._created(request, admission, caller=caller, wait=wait, expected=expected)

    async def _created(
        self, request: HttpRequest, admission: Admission, *, caller: Caller, wait: int | None, expected: Listener | None
    ) -> Answer:
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
        request.belongs_to(admission.task_id)
        state = admission.state
        if admission.repeated and expected:
            # The record names another call's channel, or none: this one asks like any call that comes later.
            expected.close()
            expected = None
        if wait:
            try:
                reading = await self._results.wait(
                    admission.task_id,
                    caller=caller.subject,
                    seconds=wait,
                    until_left=request.until_disconnected,
                    expected=expected,
                )
            except BrokerUnavailableError:
                reading = Unfinished(state)  # it is accepted all the same
            if isinstance(reading, Finished):
                return responses.created_in_time(reading.response, waited_for=wait)
            state = reading.state if isinstance(reading, Unfinished) else state
            state = State.FAILURE if isinstance(reading, DeadLetter) else state
        # The same prefix as the call came by.
        location = f"{request.route.removesuffix(CREATE_PATH)}{RESULT_PATH}?id={admission.task_id}"
        return responses.accepted(admission.task_id, state, location=location)

    async def _result(self, request: HttpRequest, caller: Caller) -> Answer:
        if request.method == "POST":
            _, document = await http_request.read_json_body(request, self._bodies)
            query = http_request.result_query_from_body(document)
        else:
            query = http_request.result_query(request)
        if query.wait_seconds:
            reading = await self._results.wait(
                query.task_id,
                caller=caller.subject,
                seconds=query.wait_seconds,
                until_left=request.until_disconnected,
            )
        else:
            reading = await self._results.read(query.task_id, caller=caller.subject)
        if not isinstance(reading, NotFound):
            request.belongs_to(query.task_id)
        match reading:
            case Finished(response):
                return responses.finished(response)
            case Unfinished(state):
                return responses.unfinished(query.task_id, state)
            case DeadLetter():
                return responses.dead_letter(query.task_id)
            case NotFound():
                return responses.task_not_found(query.task_id)
