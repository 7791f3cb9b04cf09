"""The methods: parse, call one function, translate the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.edge import request as http_request
from api_shim.edge import responses
from api_shim.edge.bodies import BodyTooSlowError, PayloadTooLargeError
from api_shim.edge.bounds import NoRoomError
from api_shim.edge.request import HttpRequest
from api_shim.edge.responses import Answer
from api_shim.intake.accept import AcceptedTask
from api_shim.intake.accept_and_wait import FinishedInTime
from api_shim.intake.results import DeadLetter, Finished, NotFound, Unfinished
from api_shim.tokens.callers import IMPORT_SCOPE
from schemas.customer import PASSWORD_HASH
from schemas.protocol.steps.accepting import KeyReused, QueueFull, RateLimited

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from api_shim.doorkeeper import Doorkeeper
    from api_shim.edge.bodies import Bodies
    from api_shim.edge.responses import StreamedAnswer
    from api_shim.intake.accept_and_wait import AcceptAndWait
    from api_shim.intake.results import Results
    from api_shim.metrics import ShimMetrics
    from api_shim.tokens.verifier import Caller

CREATE_PATH: Final = "/customer/v1/customer.create"
"""The path of `customer.create`, without the prefix."""
RESULT_PATH: Final = "/customer/v1/customer.create.result"
"""The path of `customer.create.result`, without the prefix."""


class Endpoint:
    """A method as an ASGI application."""

    def __init__(self, method: Callable[[HttpRequest], Awaitable[Answer | StreamedAnswer]]) -> None:
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
        except (BrokerUnavailableError, NoRoomError):
            answer = responses.service_unavailable()
        await answer(scope, receive, send)


class Methods:
    """`customer.create` and `customer.create.result`."""

    def __init__(
        self,
        *,
        doorkeeper: Doorkeeper,
        accept_and_wait: AcceptAndWait,
        results: Results,
        metrics: ShimMetrics,
        bodies: Bodies,
    ) -> None:
        self._doorkeeper = doorkeeper
        self._accept_and_wait = accept_and_wait
        self._results = results
        self._metrics = metrics
        self._bodies = bodies

    async def create(self, request: HttpRequest) -> Answer:
        """`POST customer.create`."""
        caller = await self._doorkeeper.admit_to_create(request)
        return caller if isinstance(caller, Answer) else await self._create(request, caller)

    async def result(self, request: HttpRequest) -> Answer:
        """`GET` and `POST customer.create.result`."""
        caller = await self._doorkeeper.admit(request)
        return caller if isinstance(caller, Answer) else await self._result(request, caller)

    async def _create(self, request: HttpRequest, caller: Caller) -> Answer:
        body, document = await http_request.read_json_body(request, self._bodies)
        if PASSWORD_HASH in document and not self._doorkeeper.may_import(caller):
            return responses.insufficient_scope(IMPORT_SCOPE)
        key = http_request.idempotency_key(request)
        wait = http_request.preferred_wait(request)

        def on_accepted(task: AcceptedTask) -> None:
            # Told before the wait: the client may leave while it lasts.
            self._metrics.accepted(repeated=task.repeated)
            request.belongs_to(task.task_id)

        outcome = await self._accept_and_wait(
            body,
            caller=caller.subject,
            idempotency_key=key,
            wait_seconds=wait or 0,
            until_left=request.until_disconnected,
            on_accepted=on_accepted,
        )
        match outcome:
            case FinishedInTime(response):
                return responses.created_in_time(response, waited_for=wait or 0)
            case AcceptedTask(task_id, state):
                # The result has the same prefix as the path that this call came by.
                location = f"{request.route.removesuffix(CREATE_PATH)}{RESULT_PATH}?id={task_id}"
                return responses.accepted(task_id, state, location=location)
            case KeyReused():
                self._metrics.refused("idempotency_key_reused")
                return responses.idempotency_key_reused()
            case QueueFull():
                self._metrics.refused("queue_full")
                return responses.queue_full()
            case RateLimited(retry_after_seconds):
                self._metrics.refused("rate_limited")
                return responses.rate_limited(retry_after_seconds)

    async def _result(self, request: HttpRequest, caller: Caller) -> Answer:
        if request.method == "POST":
            _, document = await http_request.read_json_body(request, self._bodies)
            query = http_request.result_query_from_body(document)
        else:
            query = http_request.result_query(request)
        reading = await self._results.read_or_wait(
            query.task_id,
            caller=caller.subject,
            seconds=query.wait_seconds,
            until_left=request.until_disconnected,
        )
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
