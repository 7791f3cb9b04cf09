"""Sends calls of the protocol over a synchronous client, several in one round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from schemas.protocol.call import Call


def send(client: redis.Redis, calls: Sequence[Call[Any]]) -> list[Any]:
    """Make these calls in one round trip, in order.

    Returns:
        What Redis replied to each, unread. A `redis.RedisError` among them is about that call alone.

    Raises:
        redis.RedisError: Redis is away; some calls may have been carried out.
    """
    replies = _exchange(client, calls)
    # Redis forgets scripts when it is restarted. A call whose script it did not know was not carried out.
    unknown = [place for place, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        for text in {calls[place].script.text for place in unknown}:
            client.script_load(text)
        for place, reply in zip(unknown, _exchange(client, [calls[place] for place in unknown]), strict=True):
            replies[place] = reply
    return replies


def _exchange(client: redis.Redis, calls: Sequence[Call[Any]]) -> list[Any]:
    with client.pipeline(transaction=False) as pipeline:
        for call in calls:
            pipeline.execute_command(*call.command())
        return pipeline.execute(raise_on_error=False)
