"""What operators do: each act asks for the scope, is done at once, and is logged with who did it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import structlog

from console.service.broker import BrokerAwayError
from console.service.operators_letters import Selection
from console.web.look_methods import broker_away
from edge.answers import responses
from edge.answers.answer import Answer
from edge.json_body import read_json_body
from edge.request import InvalidRequestPartError
from schemas.ids import TASK_ID_PATTERN, is_task_id
from schemas.protocol.steps.batches import cancel_batch
from schemas.protocol.steps.pausing import Paused, pause

if TYPE_CHECKING:
    from console.service.broker import Broker
    from console.service.endpoints import OperatorsEndpoints
    from console.service.operators_letters import OperatorsLetters
    from console.web.guard import Guard
    from console.web.sessions import Operator
    from edge.bodies import Bodies
    from edge.request import HttpRequest

_CANCELED_TOGETHER: Final = 50
"""Chunks of a batch that one call cancels. Redis does nothing else meanwhile."""

_ENDPOINT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""The name of an endpoint."""

_PLACE: Final = re.compile(rf"(?:[0-9]{{1,16}}:{TASK_ID_PATTERN.pattern})?")
"""Where a call left off; empty for the beginning."""

log = structlog.get_logger("console.operator")


class ActMethods:
    """The endpoints for whoever may act."""

    def __init__(
        self,
        guard: Guard,
        bodies: Bodies,
        *,
        broker: Broker,
        letters: OperatorsLetters,
        endpoints: OperatorsEndpoints,
    ) -> None:
        self._guard = guard
        self._bodies = bodies
        self._broker = broker
        self._letters = letters
        self._endpoints = endpoints

    async def requeue(self, request: HttpRequest) -> Answer:
        """Send dead letters again."""
        return await self._change_letters(request, drops=False)

    async def drop(self, request: HttpRequest) -> Answer:
        """Drop dead letters."""
        return await self._change_letters(request, drops=True)

    async def cancel_batch(self, request: HttpRequest) -> Answer:
        """Cancel what nobody has started on of a batch."""
        operator = self._guard.admit_to_act(request)
        if isinstance(operator, Answer):
            return operator
        _, body = await read_json_body(request, self._bodies)
        batch_id = _text(body, "id")
        if not is_task_id(batch_id):
            return responses.failure(404, "not_found")
        changed = False
        try:
            while True:
                (done,) = await self._broker.act(cancel_batch(batch_id, most=_CANCELED_TOGETHER))
                if done is None:
                    return responses.failure(404, "not_found")
                changed |= done.changed
                if done.is_over:
                    break
        except BrokerAwayError as error:
            return _unanswered("cancel_batch", operator, error, batch_id=batch_id)
        log.warning("operator_canceled_batch", by=operator.name, batch_id=batch_id, changed=changed)
        return responses.json_answer(200, {"ok": True, "changed": changed})

    async def pause(self, request: HttpRequest) -> Answer:
        """Pause or resume the taking of tasks."""
        operator = self._guard.admit_to_act(request)
        if isinstance(operator, Answer):
            return operator
        _, body = await read_json_body(request, self._bodies)
        what = _text(body, "what")
        if what not in set(Paused):
            raise InvalidRequestPartError("what", f"must be one of {', '.join(Paused)}")
        try:
            (changed,) = await self._broker.act(pause(Paused(what), by=operator.name))
        except BrokerAwayError as error:
            return _unanswered("pause", operator, error, what=what)
        log.warning("operator_paused", by=operator.name, what=what, changed=changed)
        return responses.json_answer(200, {"ok": True, "changed": changed})

    async def switch_endpoint(self, request: HttpRequest) -> Answer:
        """Send an endpoint of webhooks events again, or no more."""
        operator = self._guard.admit_to_act(request)
        if isinstance(operator, Answer):
            return operator
        _, body = await read_json_body(request, self._bodies)
        name, on = _text(body, "name"), body.get("on")
        if not isinstance(on, bool):
            raise InvalidRequestPartError("on", "must be true or false")
        if _ENDPOINT.fullmatch(name) is None:
            return responses.failure(404, "not_found")
        try:
            changed = await self._endpoints.switch(name, on=on)
        except BrokerAwayError as error:
            return _unanswered("switch_endpoint", operator, error, endpoint=name, on=on)
        if changed is None:
            return responses.failure(404, "not_found")
        log.warning("operator_switched_endpoint", by=operator.name, endpoint=name, on=on, changed=changed)
        return responses.json_answer(200, {"ok": True, "changed": changed})

    async def _change_letters(self, request: HttpRequest, *, drops: bool) -> Answer:
        operator = self._guard.admit_to_act(request)
        if isinstance(operator, Answer):
            return operator
        _, body = await read_json_body(request, self._bodies)
        selection = _selection(body)
        told = {"task_id": selection.task_id, "reason": selection.reason}
        told = {name: value for name, value in told.items() if value}
        try:
            change = self._letters.drop if drops else self._letters.requeue
            changed = await change(selection)
        except BrokerAwayError as error:
            return _unanswered("drop" if drops else "requeue", operator, error, **told)
        if drops:
            log.warning("operator_dropped", by=operator.name, count=changed.count, **told)
        else:
            log.warning("operator_requeued", by=operator.name, count=changed.count, **told)
        return responses.json_answer(200, {"ok": True, "changed": changed.count, "after": changed.after})


def _unanswered(act: str, operator: Operator, error: BrokerAwayError, **told: object) -> Answer:
    """503 to an act of which Redis did not say that it is done. It may be done, so the log has it too."""
    log.warning("operator_act_unanswered", by=operator.name, act=act, fault=error.reason, **told)
    return broker_away(error)


def _selection(body: dict[str, Any]) -> Selection:
    """Which dead letters the page means: `id`; or `all`, with `reason`, `until` and `after` where only some are."""
    if body.get("all") is not True:
        task_id = _text(body, "id")
        if not is_task_id(task_id):
            raise InvalidRequestPartError("id", "must be the id of a task")
        return Selection(task_id=task_id)
    until = body.get("until")
    if not isinstance(until, int | float) or isinstance(until, bool):
        raise InvalidRequestPartError("until", "must be a time in Unix seconds")
    after = _text(body, "after", "")
    if _PLACE.fullmatch(after) is None:
        raise InvalidRequestPartError("after", "must be what the call before has answered")
    return Selection(reason=_text(body, "reason", ""), parked_until=until, after=after)


def _text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise InvalidRequestPartError(name, "must be text")
    return value
