"""The lease is lost whenever nobody renews it any more, for whatever reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from notifier.broker.lease import Lease

if TYPE_CHECKING:
    from notifier.broker.redis_calls import RedisCalls


class Replies:
    """Replies to one call after the other, or raises what stands there."""

    def __init__(self, *replies: bool | Exception) -> None:
        self._replies = iter(replies)

    async def run(self, _call: Any) -> bool:
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        return reply


def lease(*replies: bool | Exception) -> Lease:
    return Lease(cast("RedisCalls", Replies(*replies)), holder="one", previous="", seconds=60)


def test_a_lease_that_somebody_else_has_is_lost() -> None:
    async def run() -> bool:
        held = lease(True, True, False)
        assert await held.take()
        await held.keep(every_seconds=0)
        return held.is_lost

    assert asyncio.run(run())


def test_a_lease_whose_keeping_fails_in_an_unforeseen_way_is_lost() -> None:
    async def run() -> bool:
        held = lease(True, ZeroDivisionError())
        assert await held.take()
        with pytest.raises(ZeroDivisionError):
            await held.keep(every_seconds=0)
        return held.is_lost

    assert asyncio.run(run())
