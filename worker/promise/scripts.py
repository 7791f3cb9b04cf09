"""Runs a Redis script for several tasks in one round trip."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, RedisError

from startup.broker.redis_refusals import Kind, refusal_of
from worker.dependencies.broker import BROKER, drop_connections
from worker.dependencies.patience import TransientError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

Argument = str | int | bytes


class BatchScript:
    """One of `schemas.protocol.record_scripts`. Thread-safe."""

    def __init__(self, client: redis.Redis, text: str, *, keys: int) -> None:
        """A script that takes so many keys."""
        self._client = client
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._keys = keys

    def run_all(self, calls: Sequence[Sequence[Argument]]) -> list[Any]:
        """Run it for each of these keys and arguments, in order.

        Returns:
            The replies. One that is a `ResponseError` is about that call alone, and would be the same again.

        Raises:
            TransientError: Redis is away or cannot do it now; some calls may have been run.
        """
        try:
            replies = self._send(calls)
            if any(isinstance(reply, NoScriptError) for reply in replies):
                # Redis has been restarted: it forgets scripts.
                self._client.script_load(self._text)
                replies = self._send(calls)
        except RedisError as error:
            raise self._transient(error) or TransientError(BROKER) from error
        for reply in replies:
            if isinstance(reply, RedisError) and (transient := self._transient(reply)):
                raise transient from reply
        return replies

    def run(self, *call: Argument) -> Any:
        """Run it once.

        Raises:
            TransientError: Redis is away or cannot do it now.
            redis.ResponseError: the reply is an error, and would be the same again.
        """
        (reply,) = self.run_all([call])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _send(self, calls: Sequence[Sequence[Argument]]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.execute_command("EVALSHA", self._digest, self._keys, *call)
            return pipeline.execute(raise_on_error=False)

    def _transient(self, error: RedisError) -> TransientError | None:
        """What to raise where the call may work later; None where it is at fault itself."""
        refusal = refusal_of(error)
        if refusal is None:
            return TransientError(BROKER)
        if refusal.kind is Kind.CALL:
            return None
        if refusal.kind is Kind.ELSEWHERE:
            drop_connections(self._client)
        return TransientError(BROKER, code=refusal.word)
