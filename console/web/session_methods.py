"""Begins, tells of and ends the session of an operator."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from console.service.broker import BrokerAwayError
from console.web.guard import cookie_name, cookies_of, is_loopback
from console.web.sessions import LinkUsedError, NotAllowedError
from edge.answers import responses
from edge.answers.answer import Answer
from edge.tokens.faults import DESCRIPTIONS, TokenFault
from schemas.overseeing import READ_SCOPE

if TYPE_CHECKING:
    from console.web.guard import Guard
    from console.web.sessions import Operator, Sessions
    from edge.request import HttpRequest

log = structlog.get_logger("console.operator")


class SessionMethods:
    """The endpoints of sessions."""

    def __init__(self, guard: Guard, sessions: Sessions) -> None:
        self._guard = guard
        self._sessions = sessions

    async def tell(self, request: HttpRequest) -> Answer:
        """Who looks, and what they may."""
        operator = self._guard.admit_to_look(request)
        return operator if isinstance(operator, Answer) else _session(operator)

    async def end(self, request: HttpRequest) -> Answer:
        """End the session, on all pages that look with it, and have the browser forget the cookie."""
        refusal = self._guard.refuse_foreign(request)
        if refusal is not None:
            return refusal
        self._sessions.end(cookies_of(request, cookie_name(request)))
        return responses.json_answer(200, {"ok": True}, {"set-cookie": _cookie(request, "", seconds=0)})

    async def begin(self, request: HttpRequest) -> Answer:
        """Begin a session with a bearer token."""
        refusal = self._guard.refuse_foreign(request)
        if refusal is not None:
            return refusal
        try:
            begun = await self._sessions.begin(request.header(b"authorization"))
        except NotAllowedError:
            return responses.insufficient_scope(READ_SCOPE)
        except LinkUsedError:
            return responses.failure(401, "link_used")
        except BrokerAwayError as error:
            log.warning("link_unchecked", reason=error.reason)
            return responses.failure(503, "link_unchecked", data={"reason": error.reason})
        if isinstance(begun, TokenFault):
            request.refused_for(begun)
            is_ours = begun is TokenFault.NO_KEYS
            return responses.service_unavailable() if is_ours else responses.invalid_token(DESCRIPTIONS.get(begun))
        operator, value = begun
        log.info("operator_logged_in", by=operator.name, may_operate=operator.may_operate)
        seconds = max(1, int(operator.until - time.time()))
        return _session(operator, {"set-cookie": _cookie(request, value, seconds=seconds)})


def _session(operator: Operator, headers: dict[str, str] | None = None) -> Answer:
    body = {"ok": True, "name": operator.name, "may_operate": operator.may_operate, "until": int(operator.until)}
    return responses.json_answer(200, body, headers)


def _cookie(request: HttpRequest, value: str, *, seconds: int) -> str:
    secure = "" if is_loopback(request) else "; Secure"
    return f"{cookie_name(request)}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
