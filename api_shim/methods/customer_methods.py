"""The methods about one customer. Each parses its request, calls one function of `intake`, translates the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api_shim.intake.accept import AcceptedTask
from api_shim.intake.accept_and_wait import FinishedInTime
from api_shim.intake.results import DeadLetter, Finished, NotFound, Unfinished
from api_shim.methods.answers import task_answers
from api_shim.methods.requests import arguments
from edge.answers import responses
from edge.answers.answer import Answer
from edge.json_body import read_json_body
from schemas.password_hashes.field import IMPORT_SCOPE, PASSWORD_HASH
from schemas.protocol.lanes import SIGNUPS
from schemas.protocol.steps.accepting import KeyReused, QueueFull, RateLimited

if TYPE_CHECKING:
    from api_shim.intake.accept_and_wait import AcceptAndWait
    from api_shim.intake.results import Results
    from api_shim.methods.doorkeeper import Doorkeeper
    from api_shim.metrics import ShimMetrics
    from edge.bodies import Bodies
    from edge.request import HttpRequest
    from edge.tokens.verifier import Caller

CREATE_PATH: Final = "/customer/v1/customer.create"
"""The path of `customer.create`, without the prefix."""
RESULT_PATH: Final = "/customer/v1/customer.create.result"
"""The path of `customer.create.result`, without the prefix."""


class CustomerMethods:
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
        body, document = await read_json_body(request, self._bodies)
        if PASSWORD_HASH in document and not self._doorkeeper.may_import(caller):
            return responses.insufficient_scope(IMPORT_SCOPE)
        key = arguments.idempotency_key(request)
        wait = arguments.preferred_wait(request)

        def on_accepted(task: AcceptedTask) -> None:
            # This is called before the wait, since the client may leave during it. The task is accepted all the same.
            self._metrics.accepted(repeated=task.repeated)
            request.belongs_to(task.task_id)
            request.trace.sent(task.task_id)

        outcome = await self._accept_and_wait(
            body,
            caller=caller.subject,
            idempotency_key=key,
            wait_seconds=wait or 0,
            until_left=request.until_disconnected,
            on_accepted=on_accepted,
            traceparent=request.trace.sending(SIGNUPS),
        )
        match outcome:
            case FinishedInTime(response):
                return task_answers.created_in_time(response, waited_for=wait or 0)
            case AcceptedTask(task_id, state):
                # The path of the result gets the same prefix that this call's path had.
                location = f"{request.route.removesuffix(CREATE_PATH)}{RESULT_PATH}?id={task_id}"
                return task_answers.accepted(task_id, state, location=location)
            case KeyReused():
                self._metrics.refused("idempotency_key_reused")
                return task_answers.idempotency_key_reused()
            case QueueFull():
                self._metrics.refused("queue_full")
                return task_answers.queue_full()
            case RateLimited(retry_after_seconds):
                self._metrics.refused("rate_limited")
                return task_answers.rate_limited(retry_after_seconds)

    async def _result(self, request: HttpRequest, caller: Caller) -> Answer:
        if request.method == "POST":
            _, document = await read_json_body(request, self._bodies)
            query = arguments.result_query_from_body(document)
        else:
            query = arguments.result_query(request)
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
                return task_answers.finished(response)
            case Unfinished(state, accepted_at, seconds_left):
                return task_answers.unfinished(
                    query.task_id, state, accepted_at_milliseconds=accepted_at, seconds_left=seconds_left
                )
            case DeadLetter():
                return task_answers.dead_letter(query.task_id)
            case NotFound():
                return task_answers.task_not_found(query.task_id)
