"""Lets a call in or not, by its token. Every method asks it before it looks at anything else of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.answers import responses
from edge.answers.answer import Answer
from edge.tokens.faults import DESCRIPTIONS, TokenFault
from schemas.events import EVENTS_SCOPE
from schemas.password_hashes.field import IMPORT_SCOPE

if TYPE_CHECKING:
    from api_shim.metrics import ShimMetrics
    from edge.request import HttpRequest
    from edge.tokens.callers import Callers
    from edge.tokens.verifier import Caller


class Doorkeeper:
    """Finds out who calls, and whether the caller may."""

    def __init__(self, callers: Callers, *, create_scope: str, metrics: ShimMetrics) -> None:
        """`create_scope` is named to callers that may not create."""
        self._callers = callers
        self._create_scope = create_scope
        self._metrics = metrics

    async def admit(self, request: HttpRequest) -> Caller | Answer:
        """The caller, whatever its scopes are; or the answer to a token that is not good."""
        caller = await self._callers.identify(request.header(b"authorization"))
        if not isinstance(caller, TokenFault):
            return caller
        self._metrics.token_refused(caller)
        request.refused_for(caller)
        if caller is TokenFault.NO_KEYS:
            return responses.service_unavailable()
        return responses.invalid_token(DESCRIPTIONS.get(caller))

    async def admit_to_create(self, request: HttpRequest) -> Caller | Answer:
        """The same, and the answer to a caller that may not create."""
        caller = await self.admit(request)
        if isinstance(caller, Answer) or self._callers.may_create(caller):
            return caller
        return responses.insufficient_scope(self._create_scope)

    async def admit_to_events(self, request: HttpRequest) -> Caller | Answer:
        """The same for a caller that may not read events."""
        caller = await self.admit(request)
        if isinstance(caller, Answer) or EVENTS_SCOPE in caller.scopes:
            return caller
        return responses.insufficient_scope(EVENTS_SCOPE)

    def may_import(self, caller: Caller) -> bool:
        """Whether the caller may bring password hashes that another system made."""
        return IMPORT_SCOPE in caller.scopes
