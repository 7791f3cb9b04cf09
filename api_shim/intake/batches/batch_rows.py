"""The results of a batch's rows, in the order of lines, chunk by chunk."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from schemas import outcome
from schemas.batch import line_numbers
from schemas.batch.row_results import is_failed, rendered, result_line, unpack_results
from schemas.protocol.batch_keys import CANCELED, PARKED, WAITING
from schemas.protocol.steps import batches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from api_shim.broker.redis_calls import RedisCalls
    from api_shim.intake.listener import Listener
    from api_shim.intake.subscription import OutcomeSubscription
    from schemas.protocol.steps.batches import ChunkView

_CHUNKS_TOGETHER: Final = 4
"""How many chunks are read at once. They are all that a call holds, however slowly its client reads."""

_CHUNKS_WHILE_WAITING: Final = 2
"""The same while the next row is unfinished: the first may be one that was read before."""

_PIECE_BYTES: Final = 64 * 1024
"""Lines are sent together until they have so many bytes."""

_READ_AGAIN_SECONDS: Final = 5.0
"""How often a call that follows reads by itself. News can be missed, since Redis stores none."""

_AWAY_SECONDS: Final = 60.0
"""How long a call that follows waits for Redis."""

_SAME_FOR_ALL: Final = {
    CANCELED: result_line(outcome.canceled()),
    PARKED: result_line(outcome.internal_error()),
    WAITING: None,
}
"""What stands in place of results → the result of each row. None: the rows have no outcome yet."""


class RowsCutOffError(Exception):
    """No more rows can be told now, although there are or will be more."""


class BatchRows:
    """Reads the results of rows. Whether the caller may see them is known by then."""

    def __init__(self, calls: RedisCalls, subscription: OutcomeSubscription) -> None:
        self._calls = calls
        self._subscription = subscription

    @property
    def may_follow(self) -> bool:
        """Whether one more call may wait now."""
        return self._subscription.has_room and not self._subscription.draining

    async def lines(
        self, batch_id: str, *, after: int, limit: int | None, only_failed: bool, follow: bool
    ) -> AsyncGenerator[bytes, None]:
        """Yield lines of JSON, several together. It is asked for the next ones once the client has room for them.

        Args:
            batch_id: the batch.
            after: rows of this line and of lines before it are left out.
            limit: how many rows at most; None for all.
            only_failed: whether rows are left out that succeeded.
            follow: whether to wait for rows that are unfinished, until the batch has ended. Without it the lines end
                before the first such row.

        Raises:
            RowsCutOffError: there are or will be more rows, which cannot be told now: Redis cannot be asked, the
                process stops, or a record is gone.
        """
        place = _Place(batch_id, after=after, limit=limit, only_failed=only_failed)
        async with self._subscription.listen(batch_id) if follow else nullcontext() as listener:
            while True:
                has_ended, views = await self._page(place, listener)
                before = place.after
                for view in views:
                    for piece in place.pieces(view):
                        yield piece
                    if place.is_full:
                        return
                    if place.is_at_unfinished:
                        break
                if place.after > before:
                    continue
                if listener is None or (has_ended and not place.is_at_unfinished):
                    return
                await _wait(listener, place)

    async def _page(self, place: _Place, listener: Listener | None) -> tuple[bool, tuple[ChunkView, ...]]:
        """Whether the batch has ended, which only calls that wait ask, and the next chunks."""
        away_until = time.monotonic() + _AWAY_SECONDS
        while True:
            try:
                # In this order: if the batch had ended before its chunks were read, there are no others.
                summary = None if listener is None else await self._calls.read(batches.read_batch(place.batch_id))
                views = await self._calls.read(
                    batches.read_chunks(place.batch_id, after=place.after, most=place.most_chunks)
                )
            except BrokerUnavailableError:
                if listener is None or time.monotonic() > away_until:
                    raise RowsCutOffError from None
                await _wait(listener, place)
            else:
                if listener is not None and summary is None:
                    raise RowsCutOffError
                return summary is not None and summary.has_ended, views


async def _wait(listener: Listener, place: _Place) -> None:
    if not listener.worth_waiting or place.is_gone:
        raise RowsCutOffError
    await listener.wait(_READ_AGAIN_SECONDS)


class _Place:
    """How far a call has read."""

    def __init__(self, batch_id: str, *, after: int, limit: int | None, only_failed: bool) -> None:
        self.batch_id = batch_id
        self.after = after
        """The line up to which everything was told, or left out."""
        self.is_at_unfinished = False
        """Whether the next row has no outcome yet."""
        self.is_gone = False
        """Whether the next row's record is gone, so that its outcome will never come."""
        self._left = limit
        self._only_failed = only_failed

    @property
    def is_full(self) -> bool:
        """Whether as many rows were told as may be."""
        return self._left == 0

    @property
    def most_chunks(self) -> int:
        """How many chunks are read next."""
        return _CHUNKS_WHILE_WAITING if self.is_at_unfinished else _CHUNKS_TOGETHER

    def pieces(self, view: ChunkView) -> Iterator[bytes]:
        """Yield the lines of a chunk's rows from this place on, up to the first that is unfinished."""
        self.is_gone = self.is_at_unfinished = False
        numbers = line_numbers.decode(view.lines)
        if numbers[-1] <= self.after:
            return
        self.is_gone = self.is_at_unfinished = view.rows < 0
        lines: list[bytes] = []
        size = 0
        for number, result in zip(numbers, _results(view), strict=not self.is_gone):
            if number <= self.after:
                continue
            if result is None:
                self.is_at_unfinished = True
                break
            self.after = number
            if self._only_failed and not is_failed(result):
                continue
            line = rendered(result, row=number, known=view.known)
            lines.append(line)
            size += len(line)
            if self._left is not None:
                self._left -= 1
                if not self._left:
                    break
            if size >= _PIECE_BYTES:
                yield b"".join(lines)
                lines, size = [], 0
        if lines:
            yield b"".join(lines)


def _results(view: ChunkView) -> list[bytes | None]:
    """The result of each row of a chunk; None for a row that has none."""
    results: list[bytes | None] = [None] * max(0, view.rows)
    for each in view.ranges:
        if each.results in _SAME_FOR_ALL:
            results[each.first : each.end] = [_SAME_FOR_ALL[each.results]] * (each.end - each.first)
        else:
            results[each.first : each.end] = unpack_results(each.results)
    return results
