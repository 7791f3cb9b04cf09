"""The shim's steps: accept a request, and read what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.keys import OPEN_KEY, QUEUE, State, rate_key, record_key, result_key
from schemas.protocol.lua_files import load_script

if TYPE_CHECKING:
    from schemas.protocol.call import Call, Script

_ACCEPT: Final[Script] = load_script("accept")
"""The step that accepts a task."""
_READ: Final[Script] = load_script("read")
"""The step that reads a task."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request is accepted, by this call or before it."""

    state: State
    known: bool
    """The same request has this id already: the client repeated it, or the answer to an earlier call was lost."""


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The idempotency key was used with another request: a request with another fingerprint has this id."""


@dataclass(frozen=True, slots=True)
class Late:
    """Redis came to the call after its deadline. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class QueueFull:
    """As many tasks are open as may be."""


@dataclass(frozen=True, slots=True)
class RateLimited:
    """The caller is over its rate."""

    retry_after_seconds: float


AcceptReply = Accepted | KeyReused | Late | QueueFull | RateLimited


@dataclass(frozen=True, slots=True)
class Found:
    """What the record and the result of a task say."""

    caller: str
    """The subject of the token that the request came with."""
    state: State
    result: bytes | None = field(repr=False)
    """The Celery result; None while there is none, and once it has expired."""
    accepted_at_milliseconds: int | None = None
    """When it was accepted, in Unix milliseconds by Redis' clock."""
    before: int | None = None
    """How many open tasks were sent before it; None where it is not open."""


def accept(
    *,
    task_id: str,
    fingerprint: str,
    sealed: bytes,
    caller: str,
    message: bytes,
    most_open: int,
    rate_per_second: float,
    rate_burst: int,
    waiter: str = "",
    traceparent: str = "",
) -> Call[AcceptReply]:
    """Accept a request: record it, and put its message on the queue. The call has a deadline.

    Args:
        task_id: the id of the task that is to be made.
        fingerprint: tells whether a repeat under the same id is the same request.
        sealed: the sealed request.
        caller: the subject of the request's token.
        message: the task's Celery message.
        most_open: as many tasks may be open; 0 for no limit.
        rate_per_second: as many requests a caller may make a second; 0 for no limit.
        rate_burst: as many requests a caller may make at once.
        waiter: the channel that is told of the outcome besides the task's own; empty for none.
        traceparent: where the request's trace goes on; empty where it has none.
    """
    cost_milliseconds = 1000 / rate_per_second if rate_per_second else 0.0
    return _ACCEPT.call(
        _accepted,
        keys={
            "record_key": record_key(task_id),
            "open_tasks": OPEN_KEY,
            "queue": QUEUE,
            "rate_key": rate_key(caller),
        },
        arguments={
            "task_id": task_id,
            "fingerprint": fingerprint,
            "sealed": sealed,
            "caller": caller,
            "message": message,
            "most_open": most_open,
            "cost": f"{cost_milliseconds:.3f}",
            "burst": f"{cost_milliseconds * rate_burst:.3f}",
            "waiter": waiter,
            "traceparent": traceparent,
        },
    )


def read(task_id: str) -> Call[Found | None]:
    """What is known of a task; None where there is no record of it. Changes nothing."""
    return _READ.call(
        _found,
        keys={"record_key": record_key(task_id), "result_key": result_key(task_id), "open_tasks": OPEN_KEY},
        arguments={"task_id": task_id},
    )


def _accepted(reply: Any) -> AcceptReply:
    code = reply[0]
    if code in {b"accepted", b"known"}:
        return Accepted(_STATES[reply[1]], known=code == b"known")
    if code == b"rate_limited":
        return RateLimited(reply[1] / 1000)
    return _REFUSALS[code]


_STATES: Final = {state.encode(): state for state in State}
"""The states as Redis replies them."""

_REFUSALS: Final[dict[bytes, KeyReused | Late | QueueFull]] = {
    b"reused": KeyReused(),
    b"late": Late(),
    b"queue_full": QueueFull(),
}
"""The replies that say nothing but their code."""


def _found(reply: Any) -> Found | None:
    caller, state, result, accepted_at, before = reply
    if caller is None:
        return None
    return Found(caller.decode(), _STATES[state], result, accepted_at, before)
