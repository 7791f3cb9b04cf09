"""Sessions of operators: a bearer token once, then a signed cookie that no script can read.

The cookie holds who it is and what they may, signed with the console's key. So a session outlives a restart where the
key does. Redis keeps which links were used, so that each logs in once in all consoles together. Which sessions were
ended before their time each console remembers by itself, until it stops.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import jwt

from edge.tokens.faults import TokenFault
from schemas.overseeing import LINK_CLAIM, OPERATE_SCOPE, READ_SCOPE
from schemas.protocol.steps.links import use_link

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import SecretBytes

    from console.service.broker import Broker
    from edge.tokens.callers import Callers

COOKIE: Final = "intake-console"
"""The name of the cookie where the page comes from this very machine."""

SECURE_COOKIE: Final = "__Host-intake-console"
"""Its name elsewhere. Browsers take a cookie with this prefix over TLS alone, and from no other host."""

_AUDIENCE: Final = "customer-intake console session"
"""Tells a session's token from all others that may be signed with the same key."""

_ALGORITHM: Final = "HS256"
"""Signs the cookie."""

_REQUIRED: Final = ["exp", "sub", "jti"]
"""Claims that each cookie has."""

_MOST_COOKIES: Final = 4
"""Cookies of our name that are verified of one request. Browsers send one, and a head has room for hundreds."""

_REMEMBERED_SECONDS: Final = 24 * 60 * 60
"""How long a link that was used is remembered after its end. Far more than clocks of machines differ."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who looks at the page."""

    name: str
    """The `sub` of the token."""
    may_operate: bool
    """Whether they may act. Everybody here may look."""
    until: float
    """When the session ends, in Unix seconds."""
    session: str
    """A random text that names the session. It is not secret."""


class NotAllowedError(Exception):
    """The token is good, and has no scope for the console."""


class LinkUsedError(Exception):
    """The link was used before."""


class Sessions:
    """Begins sessions, and knows them again by their cookie."""

    def __init__(self, callers: Callers, broker: Broker, *, key: SecretBytes | None, seconds: int) -> None:
        self._callers = callers
        self._broker = broker
        self._key = secrets.token_bytes(32) if key is None else key.get_secret_value()
        self._seconds = seconds
        self._ended: dict[str, float] = {}
        """Each session that its operator has ended → when it would have ended by itself."""

    async def begin(self, authorization: str | None) -> tuple[Operator, str] | TokenFault:
        """The operator whom this bearer token names and the value of their cookie, or why the token is no good.

        Raises:
            NotAllowedError: it is good, and has neither scope.
            LinkUsedError: it works once, and was used.
            BrokerAwayError: it works once, and Redis cannot be asked whether it was used.
        """
        caller = await self._callers.identify(authorization)
        if isinstance(caller, TokenFault):
            return caller
        if caller.scopes.isdisjoint({READ_SCOPE, OPERATE_SCOPE}):
            raise NotAllowedError
        claims = _claims((authorization or "").partition(" ")[2].strip())
        until = time.time() + self._seconds
        if LINK_CLAIM in claims:
            await self._use_link(str(claims[LINK_CLAIM]), expires_at=float(claims["exp"]))
        else:
            until = min(until, float(claims["exp"]))
        operator = Operator(caller.subject, OPERATE_SCOPE in caller.scopes, until, secrets.token_urlsafe(12))
        cookie = {
            "aud": _AUDIENCE,
            "sub": operator.name,
            "operate": operator.may_operate,
            "exp": until,
            "jti": operator.session,
        }
        return operator, jwt.encode(cookie, self._key, algorithm=_ALGORITHM)

    def known(self, cookies: Iterable[str]) -> Operator | None:
        """The operator whom one of these values of our cookie names, if its session has not ended."""
        for each in islice(cookies, _MOST_COOKIES):
            try:
                claims = jwt.decode(
                    each,
                    self._key,
                    algorithms=[_ALGORITHM],
                    audience=_AUDIENCE,
                    options={"require": _REQUIRED},
                )
                operator = Operator(
                    str(claims["sub"]), bool(claims.get("operate")), float(claims["exp"]), str(claims["jti"])
                )
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            if not self.is_over(operator):
                return operator
        return None

    def end(self, cookies: Iterable[str]) -> None:
        """End the session of these cookies before its time, for every page that has it."""
        now = time.time()
        self._ended = {session: until for session, until in self._ended.items() if until > now}
        operator = self.known(cookies)
        if operator is not None:
            self._ended[operator.session] = operator.until

    def is_over(self, operator: Operator) -> bool:
        """Whether the operator's session has ended, by its time or by the operator."""
        return time.time() >= operator.until or operator.session in self._ended

    async def _use_link(self, link: str, *, expires_at: float) -> None:
        kept_seconds = max(0.0, expires_at - time.time()) + _REMEMBERED_SECONDS
        (is_first,) = await self._broker.run(use_link(link, kept_seconds=kept_seconds))
        if not is_first:
            raise LinkUsedError


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token that was verified a moment ago."""
    return dict(jwt.decode(token, options={"verify_signature": False}))
