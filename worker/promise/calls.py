"""Makes calls of the protocol as the worker does: failures that may pass are told from those that will not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from redis.exceptions import RedisError

from startup.broker.calls import send
from startup.broker.redis_clients import drop_connections
from startup.broker.redis_refusals import Kind, refusal_of
from worker.dependencies.broker import BROKER
from worker.dependencies.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from schemas.protocol.call import Call

Reply = TypeVar("Reply")


class BrokerCalls:
    """Makes calls, and tells failures that may pass from those that will not. Thread-safe."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def run_all(self, calls: Sequence[Call[Reply]]) -> list[Reply | Exception]:
        """Make these calls in one round trip, in order.

        Returns:
            The reply to each. An exception among them is about that call alone, and would be the same again.

        Raises:
            TransientError: Redis is away or cannot do it now; some calls may have been carried out.
        """
        try:
            replies = send(self._client, calls)
        except RedisError as error:
            raise self._transient(error) or TransientError(BROKER) from error
        for reply in replies:
            if isinstance(reply, RedisError) and (transient := self._transient(reply)):
                raise transient from reply
        return [
            reply if isinstance(reply, Exception) else call.read(reply)
            for call, reply in zip(calls, replies, strict=True)
        ]

    def run(self, call: Call[Reply]) -> Reply:
        """Make one call.

        Raises:
            TransientError: Redis is away or cannot do it now.
            redis.ResponseError: the reply is an error, and would be the same again.
        """
        (reply,) = self.run_all([call])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _transient(self, error: RedisError) -> TransientError | None:
        """What to raise where the call may work later; None where the fault is in the call itself."""
        refusal = refusal_of(error)
        if refusal is None:
            return TransientError(BROKER)
        if refusal.kind is Kind.CALL:
            return None
        if refusal.kind is Kind.ELSEWHERE:
            drop_connections(self._client)
        return TransientError(BROKER, code=refusal.code)
