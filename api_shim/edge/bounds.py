"""What of HTTP is refused before it is looked at as a request, and how many requests there may be at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api_shim.edge import responses
from api_shim.edge.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from api_shim.edge.refusals import Refusals
    from api_shim.edge.responses import Answer

_VERSIONS: Final = frozenset({"1.0", "1.1"})
"""The versions of HTTP that are served."""
_FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})
"""Headers that tell where a request ends and which host it is for: a second one makes it ambiguous."""
_CONTROLS: Final = frozenset(map(chr, (*range(0x20), 0x7F)))
"""Characters that no path may hold once it is decoded."""


def framing_fault(scope: Scope) -> Answer | None:
    """The answer to a request that a proxy in front may have read otherwise than h11 does; None: there is no doubt.

    h11 takes a request without Host in HTTP/1.0, other versions, and one that announces its body in two ways.
    """
    found = [name for name, _ in scope["headers"] if name in _FRAMING]
    if (
        found.count(b"host") != 1
        or (b"transfer-encoding" in found and b"content-length" in found)
        or scope["http_version"] not in _VERSIONS
        or scope["method"] == "CONNECT"
    ):
        return responses.malformed_request()
    return None


def is_plain_path(scope: Scope) -> bool:
    """Whether the path says the same to everyone: neither a control character nor a slash is written with `%`."""
    raw: bytes = scope["raw_path"]
    return b"%" not in raw or not (b"%2f" in raw.lower() or _CONTROLS.intersection(scope["path"]))


class RequestsAtOnce:
    """One bound for the requests of several endpoints; those that wait for an outcome do not count."""

    def __init__(self, refusals: Refusals, *, maximum: int, waiting: Callable[[], int]) -> None:
        self.running = 0
        self._refusals = refusals
        self._maximum = maximum
        self._waiting = waiting

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application, with 503 for what is beyond the bound."""
        return _Bounded(app, self)

    def is_full(self) -> bool:
        """Whether one more would be too many; counted where it is so."""
        if self.running - self._waiting() < self._maximum:
            return False
        self._refusals.add(Reason.REQUESTS)
        return True


class _Bounded:
    """One of the endpoints."""

    def __init__(self, app: ASGIApp, bound: RequestsAtOnce) -> None:
        self._app = app
        self._bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while there is room."""
        if self._bound.is_full():
            await responses.service_unavailable()(scope, receive, send)
            return
        self._bound.running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._bound.running -= 1
