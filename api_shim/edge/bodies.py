"""Reading a request's body: within its size, within its time, and together with others within what may be held."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from api_shim.edge.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api_shim.edge.refusals import Refusals
    from api_shim.edge.request import HttpRequest

_HELD_BYTES: Final = 8 * 1024 * 1024
"""Of bodies that have come in part. Most bodies come whole with their head, and are not among them."""

_LARGEST_BODIES_HELD: Final = 4
"""As many of the largest size must have room, whatever that size is."""

_LENGTH_DIGITS: Final = 18
"""A Content-Length with more is refused without being reckoned with."""

_STRETCH_BYTES: Final = 64 * 1024
"""Of a body that is read in pieces: with each stretch of so many bytes its time begins anew."""

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
        self._end_at = math.inf

    async def read(self, request: HttpRequest) -> bytes:
        """The whole body.

        Raises:
            PayloadTooLargeError: by its Content-Length, before any of it is read, or as soon as it exceeds the limit.
            BodyTooSlowError: it did not come in time.
            ClientDisconnect: the client has left.
        """
        _refuse_announced(request, self._maximum_bytes)
        async with self._deadline(self._seconds) as deadline:
            body, more = await request.next_body()
            if more:
                body = await self._with_the_rest(request, body, deadline)
        if len(body) > self._maximum_bytes:
            raise PayloadTooLargeError
        return body

    async def pieces(self, request: HttpRequest, *, maximum_bytes: int) -> AsyncIterator[bytes]:
        """The body as it comes, in pieces that are not empty. Nothing is held between two of them.

        The server stops reading from the client while the caller is busy with a piece, so that a body of any length
        takes about 128 KiB. The caller's own time does not count against the client. A long upload is no slow one:
        the client has `seconds` for each 64 KiB, not for the whole.

        Args:
            request: whose body.
            maximum_bytes: how many there may be, in place of the limit for bodies that are read whole.

        Raises:
            PayloadTooLargeError: by its Content-Length, before any of it is read, or as soon as it exceeds the limit.
            BodyTooSlowError: too little came for too long, or the shim has stopped listening and the rest did not come.
            ClientDisconnect: the client has left.
        """
        _refuse_announced(request, maximum_bytes)
        clock = asyncio.get_running_loop().time
        more, size, stretch, left = True, 0, 0, self._seconds
        while more:
            asked_at = clock()
            async with self._deadline(left):
                piece, more = await request.next_body()
            left -= clock() - asked_at
            size += len(piece)
            stretch += len(piece)
            if size > maximum_bytes:
                raise PayloadTooLargeError
            if stretch >= _STRETCH_BYTES:
                stretch, left = 0, self._seconds
            if piece:
                yield piece

    def hurry(self) -> None:
        """The shim stops listening: from now on no body may take longer than two seconds more."""
        self._end_at = asyncio.get_running_loop().time() + _HURRIED_SECONDS
        for deadline in self._reading:
            if not deadline.expired() and (when := deadline.when()) is not None and when > self._end_at:
                deadline.reschedule(self._end_at)

    @asynccontextmanager
    async def _deadline(self, seconds: float) -> AsyncIterator[asyncio.Timeout]:
        """For what is read within it.

        Raises:
            BodyTooSlowError: it took longer than `seconds`, or than `hurry` allows.
        """
        deadline = asyncio.timeout_at(min(asyncio.get_running_loop().time() + seconds, self._end_at))
        self._reading.add(deadline)
        try:
            async with deadline:
                yield deadline
        except TimeoutError:
            self._refusals.add(Reason.SLOW_BODY)
            raise BodyTooSlowError from None
        finally:
            self._reading.discard(deadline)
            self._held -= self._parts.pop(deadline, 0)

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


def _refuse_announced(request: HttpRequest, maximum_bytes: int) -> None:
    length = request.header(b"content-length") or ""
    if len(length) > _LENGTH_DIGITS or (length.isdigit() and int(length) > maximum_bytes):
        raise PayloadTooLargeError
