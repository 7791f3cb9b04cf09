"""Small scripts to call, and how the calls ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from tests.support.broker import script_of

if TYPE_CHECKING:
    from collections.abc import Awaitable


COUNT: Final = script_of("return redis.call('INCR', KEYS[1])")
PROMISE: Final = script_of("return redis.call('INCR', KEYS[1])", has_deadline=True)
GET: Final = script_of("#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])")
PUSH: Final = script_of("return redis.call('LPUSH', KEYS[1], 1)")


async def outcomes(*calls: Awaitable[Any]) -> set[str]:
    """How these calls ended: `reply`, or the names of their exceptions."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return {type(each).__name__ if isinstance(each, BaseException) else "reply" for each in results}
