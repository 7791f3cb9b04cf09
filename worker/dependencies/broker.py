"""Asks Redis whether the worker can use it, and says what its refusals mean for the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog
from redis.exceptions import RedisError

from startup.broker.redis_clients import drop_connections
from startup.broker.redis_refusals import TABLE, Kind, Refusal, refusal_of
from startup.broker.redis_requirements import (
    EVICTS,
    INFO_REFUSED,
    NO_APPEND_ONLY_FILE,
    commands_of,
    finding_of_refusal,
    findings_of,
)
from startup.broker.redis_rights import PROBE_LIST_KEY, WORKER
from startup.seldom import Seldom
from worker.dependencies.errors import MisconfiguredError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import redis

    from startup.broker.redis_requirements import Finding
    from worker.metrics import WorkerMetrics

BROKER: Final = "broker"
"""What logs and metrics call Redis."""

_QUESTIONS: Final = commands_of(WORKER)
"""The commands that ask Redis whether it is as a worker needs it."""

_TAKE: Final = ("BLMPOP", "0.001", "1", PROBE_LIST_KEY, "RIGHT")
"""Takes messages as the transport does, from a list that is always empty."""

_WORKED_ON_WITH: Final = frozenset({EVICTS, NO_APPEND_ONLY_FILE, INFO_REFUSED})
"""Findings that are logged while tasks are worked on: no task fails for them."""

_PASSING: Final = frozenset(
    finding_of_refusal(refusal).code for refusal in TABLE.values() if refusal.kind is not Kind.MISCONFIGURED
)
"""Findings that may pass without anybody doing something."""

log = structlog.get_logger("worker.broker")


class BrokerProbe:
    """Asks Redis whether this worker can work with it. Thread-safe."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        metrics: WorkerMetrics,
        allowed: Collection[str] = (),
        explain: Callable[[BaseException], Refusal | None] = refusal_of,
    ) -> None:
        """Make the probe; nothing is sent.

        Args:
            client: its connections.
            metrics: counts what is found.
            allowed: see `startup.broker.redis_requirements.findings_of`.
            explain: finds the refusal behind an exception of redis-py, as `refusal_of` and `refusal_behind` do.
        """
        self._explain = explain
        self._client = client
        self._metrics = metrics
        self._allowed = allowed
        self._seldom = Seldom(every_seconds=60.0)

    def __call__(self) -> None:
        """Return if it can. Findings that do not keep the worker from its work are logged now and then.

        Raises:
            TransientError: Redis is away.
            MisconfiguredError: Redis answers and cannot be used.
        """
        *replies, taken = (self._ask(command) for command in (*_QUESTIONS, _TAKE))
        found = list(findings_of(replies, allowed=self._allowed))
        if isinstance(taken, Refusal) and not found:
            found.append(finding_of_refusal(taken))
        self._metrics.broker_findings(found)
        if any(each.elsewhere for each in found):
            drop_connections(self._client)
        in_the_way = [each for each in found if each.code not in _WORKED_ON_WITH]
        for each in found:
            if each not in in_the_way[:1] and self._seldom.is_due(each.code):
                log.warning("redis_finding", finding=each.code, severity=each.severity, advice=each.sentence)
        if in_the_way:
            raise _error_of(in_the_way[0])

    def _ask(self, command: tuple[str, ...]) -> Any:
        try:
            return self._client.execute_command(*command)
        except RedisError as error:
            refusal = self._explain(error)
            if refusal is None:
                raise TransientError(BROKER) from error
            return refusal


def error_of(error: BaseException) -> TransientError | MisconfiguredError:
    """Translate an exception of redis-py that is about every task."""
    refusal = refusal_of(error)
    return TransientError(BROKER) if refusal is None else _error_of(finding_of_refusal(refusal))


def _error_of(finding: Finding) -> MisconfiguredError:
    may_pass = finding.elsewhere or finding.code in _PASSING
    return MisconfiguredError(BROKER, code=finding.code, advice=finding.sentence, may_pass=may_pass)
