"""Refuses requests whose HTTP is doubtful before any method sees them, and bounds how many requests run at once."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from edge.answers import responses
from edge.answers.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from edge.answers.answer import Answer
    from edge.answers.refusals import Refusals

_VERSIONS: Final = frozenset({"1.0", "1.1"})
"""The versions of HTTP that are served."""
_FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})
"""Headers that tell which host a request is for and where it ends. A second one makes a request ambiguous."""
_CONTROLS: Final = frozenset(map(chr, (*range(0x20), 0x7F)))
"""Control characters. No path may hold one once its `%` escapes are decoded."""

_LATELY_SECONDS: Final = 15.0
"""Requests that were turned away within so long belong to one shortage."""


def framing_fault(scope: Scope) -> Answer | None:
    """The 400 for a request that a proxy in front may have read differently. None: the request is clear.

    h11 lets such requests through: one in HTTP/1.0 without Host, one in a version that is not served, and one that
    announces its body both by length and by chunks. `CONNECT` is refused as well.
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
    """Whether every reader takes the path for the same. False if it writes a control character or a slash with `%`."""
    raw: bytes = scope["raw_path"]
    return b"%" not in raw or not (b"%2f" in raw.lower() or _CONTROLS.intersection(scope["path"]))


class NoRoomError(Exception):
    """As many calls of this kind run as may."""


class UploadsAtOnce:
    """Bounds how many uploads run at once. Each takes memory for as long as its client wants."""

    def __init__(self, refusals: Refusals, *, maximum: int, on_running: Callable[[int], None]) -> None:
        """`on_running` is called with each new number of uploads."""
        self.running = 0
        self._refusals = refusals
        self._maximum = maximum
        self._on_running = on_running

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count an upload inside this block.

        Raises:
            NoRoomError: it would be too many.
        """
        if self.running >= self._maximum:
            self._refusals.add(Reason.UPLOADS)
            raise NoRoomError
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        self.running += more
        self._on_running(self.running)


class RequestsAtOnce:
    """Bounds how many requests of several endpoints run at once. Calls that wait for an outcome do not count."""

    def __init__(self, refusals: Refusals, *, maximum: int, waiting: Callable[[], int]) -> None:
        """`waiting` tells how many of the running requests wait for an outcome now."""
        self.running = 0
        self._refusals = refusals
        self._maximum = maximum
        self._waiting = waiting
        self._full_since = self._full_at = 0.0

    def around(self, app: ASGIApp) -> ASGIApp:
        """The same application, which answers 503 to each request beyond the bound."""
        return _Bounded(app, self)

    def is_full(self) -> bool:
        """Whether one more request would be too many. If so, it is counted as turned away."""
        if self.running - self._waiting() < self._maximum:
            return False
        self._refusals.add(Reason.REQUESTS)
        now = time.time()
        if now - self._full_at > _LATELY_SECONDS:
            self._full_since = now
        self._full_at = now
        return True

    @property
    def full_since_milliseconds(self) -> int | None:
        """Since when requests have been turned away, in Unix milliseconds; None where none was lately."""
        return int(1000 * self._full_since) if time.time() - self._full_at < _LATELY_SECONDS else None


class _Bounded:
    """One of the endpoints that share the bound."""

    def __init__(self, app: ASGIApp, bound: RequestsAtOnce) -> None:
        self._app = app
        self._bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503 if there is no room."""
        if self._bound.is_full():
            await responses.service_unavailable()(scope, receive, send)
            return
        self._bound.running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._bound.running -= 1
