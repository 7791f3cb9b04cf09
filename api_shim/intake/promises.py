"""Calls that make a promise: tried until it is known what became of them, or their time is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from schemas.protocol.steps.accepting import Late
from startup.broker.redis_refusals import Kind, Refusal

if TYPE_CHECKING:
    from api_shim.broker.redis_calls import RedisCalls
    from schemas.protocol.call import Call

Reply = TypeVar("Reply")

_REPEAT_AFTER_SECONDS: Final = 0.05
"""The pause before the same call is made again, where its answer was lost or another server may serve."""

_LATE: Final = Refusal("late", Kind.WAIT, "Redis came to a call after its time was over: it was not carried out")
"""The refusal of a call that Redis came to only after its deadline."""


async def call_until_known(calls: RedisCalls, call: Call[Reply], *, seconds: float) -> Reply:
    """Make a call that has a deadline, again and again until its reply is there or `seconds` are over.

    The call must be one that may be repeated: the same call tells what became of an earlier try.

    Returns:
        The reply. It is never `Late`.

    Raises:
        BrokerUnavailableError: Redis did not confirm in time, and carries out no try of this call from now on. Only
            where it carried out a try and every answer was lost, the call was carried out all the same.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while True:
        failure: BrokerUnavailableError
        try:
            # Redis gets the deadline as well, so it carries out nothing after the client was told that it did not.
            reply = await calls.run(call, latest=deadline)
            if not isinstance(reply, Late):
                return reply
            # Redis stood still until the deadline, or its clock was set since we last compared it with ours.
            failure = BrokerRefusedError(_LATE)
            calls.reports.refused(_LATE)
            await calls.compare_clocks()
        except BrokerRefusedError as error:
            if not error.another_may_serve:
                raise
            failure = error
        except BrokerUnavailableError as error:
            # The call may have been carried out. The same call with the same id tells, and changes nothing then.
            failure = error
        if clock() >= deadline:
            raise failure
        await asyncio.sleep(_REPEAT_AFTER_SECONDS)
