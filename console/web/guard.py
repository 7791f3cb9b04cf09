"""Lets a request in or not: who asks, what they may, and whether our own page has sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.web.sessions import COOKIE, SECURE_COOKIE, Operator
from edge.answers import responses
from schemas.overseeing import OPERATE_SCOPE

if TYPE_CHECKING:
    from console.web.sessions import Sessions
    from edge.answers.answer import Answer
    from edge.request import HttpRequest

OWN_HEADER: Final = b"x-intake-console"
"""A header that our page sends. A page of another host cannot send it, since this server never allows it."""

_SAME_ORIGIN: Final = "same-origin"
"""What browsers say in Sec-Fetch-Site where this very page has made the request."""

_LOOPBACKS: Final = ("127.0.0.1", "localhost", "[::1]")
"""Hosts that are this machine. Nobody listens in between, so that a cookie needs no TLS."""


class Guard:
    """Asked before an endpoint looks at anything else of a request."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def admit_to_look(self, request: HttpRequest) -> Operator | Answer:
        """The operator, or the answer to whoever may not look."""
        if not _is_from_our_page(request):
            return responses.failure(403, "foreign_page")
        operator = self._sessions.known(cookies_of(request, cookie_name(request)))
        return responses.failure(401, "no_session") if operator is None else operator

    def admit_to_act(self, request: HttpRequest) -> Operator | Answer:
        """The same for a request that changes something. It must carry our own header as well."""
        refusal = self.refuse_foreign(request)
        operator = self.admit_to_look(request) if refusal is None else refusal
        if isinstance(operator, Operator) and not operator.may_operate:
            return responses.insufficient_scope(OPERATE_SCOPE)
        return operator

    def refuse_foreign(self, request: HttpRequest) -> Answer | None:
        """The answer to a request that changes something and that our page has not sent."""
        if request.header(OWN_HEADER) is None or not _is_from_our_page(request):
            return responses.failure(403, "foreign_page")
        return None


def cookie_name(request: HttpRequest) -> str:
    """What the session's cookie is called where the request goes to."""
    return COOKIE if is_loopback(request) else SECURE_COOKIE


def is_loopback(request: HttpRequest) -> bool:
    """Whether the page is looked at from this very machine, by the Host header."""
    host = (request.header(b"host") or "").lower()
    return any(host == each or host.startswith(f"{each}:") for each in _LOOPBACKS)


def cookies_of(request: HttpRequest, name: str) -> list[str]:
    """The values of the cookies with this name."""
    pairs = [pair.strip().partition("=") for each in request.headers(b"cookie") for pair in each.split(";")]
    return [value for found, _, value in pairs if found == name]


def _is_from_our_page(request: HttpRequest) -> bool:
    """Whether no browser says the contrary. Programs send neither header, and hold no cookie of ours."""
    site = request.header(b"sec-fetch-site")
    origin = request.header(b"origin")
    host = request.header(b"host") or ""
    return (site is None or site == _SAME_ORIGIN) and (
        origin is None or origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}
    )
