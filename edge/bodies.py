"""Reads bodies of requests. Each has a bound for its size and its time; all together have a bound for their memory."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from edge.answers.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from edge.answers.refusals import Refusals
    from edge.request import HttpRequest

_HELD_BYTES: Final = 8 * 1024 * 1024
"""How many bytes of incomplete bodies a process keeps. Most bodies come together with their head and never count."""

_LARGEST_BODIES_HELD: Final = 4
"""So many incomplete bodies of the largest size always fit, even if that is more than `_HELD_BYTES`."""

_LENGTH_DIGITS: Final = 18
"""A Content-Length with more digits is refused without being converted to a number."""

_STRETCH_BYTES: Final = 64 * 1024
"""A body that is read in pieces gets its whole time again after each stretch of so many bytes."""

_HURRIED_SECONDS: Final = 2.0
"""How long the rest of a body may take once the process has stopped listening."""


class PayloadTooLargeError(Exception):
    """The body is larger than the limit."""


class BodyTooSlowError(Exception):
    """The body did not come in time."""


class Bodies:
    """Reads the bodies of one process.

    Incomplete bodies share a bound for their memory. While they exceed it, the body that began first is given up as
    too slow, since its client has had the longest time.
    """

    def __init__(
        self, refusals: Refusals, *, maximum_bytes: int, seconds: float, held_bytes: int = _HELD_BYTES
    ) -> None:
        """`maximum_bytes` and `seconds` bound each body that is read whole. `held_bytes` bounds the incomplete ones."""
        self._refusals = refusals
        self._maximum_bytes = maximum_bytes
        self._seconds = seconds
        self._most_held = max(held_bytes, _LARGEST_BODIES_HELD * maximum_bytes)
        self._reading: set[asyncio.Timeout] = set()
        self._parts: dict[asyncio.Timeout, int] = {}
        self._held = 0
        self._end_at = math.inf

    async def read(self, request: HttpRequest) -> bytes:
        """Read the whole body.

        Raises:
            PayloadTooLargeError: the body is larger than the limit. This is raised before anything is read if its
                Content-Length tells, and else as soon as the limit is exceeded.
            BodyTooSlowError: the body did not come in time, or its memory was needed for others.
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
        """Yield the body piece by piece, as it comes. No piece is empty, and none is kept after it was yielded.

        The server stops reading from the client while the code that iterates is busy with a piece. So a body of any
        length takes about 128 KiB of memory. The time between two pieces does not count against the client. The client
        has `seconds` for each 64 KiB, so a long upload is not taken for a slow one.

        Args:
            request: the request whose body is read.
            maximum_bytes: the limit for this body, in place of the limit for bodies that are read whole.

        Raises:
            PayloadTooLargeError: the body is larger than `maximum_bytes`. This is raised before anything is read if its
                Content-Length tells, and else as soon as the limit is exceeded.
            BodyTooSlowError: the next 64 KiB did not come in time, or the process stopped listening and the rest did
                not come soon after.
            ClientDisconnect: the client has left.
        """
        _refuse_announced(request, maximum_bytes)
        clock = asyncio.get_running_loop().time
        more, size, stretch, left = True, 0, 0, self._seconds
        while more:
            asked_at = clock()
            if asked_at >= self._end_at:
                # A client that sends fast is never waited for, so no deadline would end its body.
                self._refusals.add(Reason.SLOW_BODY)
                raise BodyTooSlowError
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

    @property
    def is_hurried(self) -> bool:
        """Whether the process has stopped listening, so that no body gets its whole time."""
        return math.isfinite(self._end_at)

    def hurry(self) -> None:
        """Give every body, begun or not, at most two more seconds from now. Called when the process stops listening."""
        self._end_at = asyncio.get_running_loop().time() + _HURRIED_SECONDS
        for deadline in self._reading:
            if not deadline.expired() and (when := deadline.when()) is not None and when > self._end_at:
                deadline.reschedule(self._end_at)

    def _deadline(self, seconds: float) -> _Deadline:
        """Bound the time of the reads inside this block.

        Raises:
            BodyTooSlowError: they took longer than `seconds`, or longer than `hurry` allows.
        """
        return _Deadline(self, min(asyncio.get_running_loop().time() + seconds, self._end_at))

    def begin(self, deadline: asyncio.Timeout) -> None:
        """Have `hurry` shorten this deadline too."""
        self._reading.add(deadline)

    def end(self, deadline: asyncio.Timeout, *, too_slow: bool) -> None:
        """Forget the deadline, and the bytes that were held for its body."""
        self._reading.discard(deadline)
        self._held -= self._parts.pop(deadline, 0)
        if too_slow:
            self._refusals.add(Reason.SLOW_BODY)

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


class _Deadline:
    """`async with` that bounds the time of reads. A class, since a generator would cost each accept 2 % more."""

    __slots__ = ("_bodies", "_timeout")

    def __init__(self, bodies: Bodies, at: float) -> None:
        self._bodies = bodies
        self._timeout = asyncio.timeout_at(at)

    async def __aenter__(self) -> asyncio.Timeout:
        self._bodies.begin(self._timeout)
        return await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        too_slow = False
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            too_slow = True
            raise BodyTooSlowError from None
        finally:
            self._bodies.end(self._timeout, too_slow=too_slow)


def _refuse_announced(request: HttpRequest, maximum_bytes: int) -> None:
    length = request.header(b"content-length") or ""
    if len(length) > _LENGTH_DIGITS or (length.isdigit() and int(length) > maximum_bytes):
        raise PayloadTooLargeError
