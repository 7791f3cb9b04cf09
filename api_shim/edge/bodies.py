"""Reading a request's body: within its size, within its time, and together with others within what may be held."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from api_shim.edge.refusals import Reason

if TYPE_CHECKING:
    from api_shim.edge.refusals import Refusals
    from api_shim.edge.request import HttpRequest

_HELD_BYTES: Final = 8 * 1024 * 1024
"""Of bodies that have come in part. Most bodies come whole with their head, and are not among them."""

_LARGEST_BODIES_HELD: Final = 4
"""As many of the largest size must have room, whatever that size is."""

_LENGTH_DIGITS: Final = 18
"""A Content-Length with more is refused without being reckoned with."""

_HURRIED_SECONDS: Final = 2.0
"""What the rest of a body gets once the shim has stopped listening."""


class PayloadTooLargeError(Exception):
    """The body is larger than the limit."""


class BodyTooSlowError(Exception):
    """The body did not come in time."""


class Bodies:
    """The bodies that this process reads now.

    Where more is held of unfinished ones than may be, the one that was begun first has had the longest time: its time
    is over.
    """

    def __init__(
        self, refusals: Refusals, *, maximum_bytes: int, seconds: float, held_bytes: int = _HELD_BYTES
    ) -> None:
        self._refusals = refusals
        self._maximum_bytes = maximum_bytes
        self._seconds = seconds
        self._most_held = max(held_bytes, _LARGEST_BODIES_HELD * maximum_bytes)
        self._reading: set[asyncio.Timeout] = set()
        self._parts: dict[asyncio.Timeout, int] = {}
        self._held = 0

    async def read(self, request: HttpRequest) -> bytes:
        """The whole body.

        Raises:
            PayloadTooLargeError: by its Content-Length, before any of it is read, or as soon as it exceeds the limit.
            BodyTooSlowError: it did not come in time.
            ClientDisconnect: the client has left.
        """
        length = request.header(b"content-length") or ""
        if len(length) > _LENGTH_DIGITS or (length.isdigit() and int(length) > self._maximum_bytes):
            raise PayloadTooLargeError
        deadline = asyncio.timeout(self._seconds)
        self._reading.add(deadline)
        try:
            async with deadline:
                body, more = await request.next_body()
                if more:
                    body = await self._with_the_rest(request, body, deadline)
        except TimeoutError:
            self._refusals.add(Reason.SLOW_BODY)
            raise BodyTooSlowError from None
        finally:
            self._reading.discard(deadline)
            self._held -= self._parts.pop(deadline, 0)
        if len(body) > self._maximum_bytes:
            raise PayloadTooLargeError
        return body

    def hurry(self) -> None:
        """The shim stops listening: it does not wait long for what is missing."""
        soon = asyncio.get_running_loop().time() + _HURRIED_SECONDS
        for deadline in self._reading:
            if not deadline.expired() and (when := deadline.when()) is not None and when > soon:
                deadline.reschedule(soon)

    async def _with_the_rest(self, request: HttpRequest, first: bytes, deadline: asyncio.Timeout) -> bytes:
        body, more = bytearray(first), True
        while more and len(body) <= self._maximum_bytes:
            self._hold(deadline, len(body))
            piece, more = await request.next_body()
            body += piece
        return bytes(body)

    def _hold(self, deadline: asyncio.Timeout, size: int) -> None:
        self._held += size - self._parts.get(deadline, 0)
        self._parts[deadline] = size
        while self._held > self._most_held:
            oldest = next(iter(self._parts))
            self._held -= self._parts.pop(oldest)
            oldest.reschedule(asyncio.get_running_loop().time())
