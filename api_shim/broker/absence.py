"""Makes sure of what is not there, before a caller is told so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from api_shim.broker.broker_errors import BrokerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_shim.broker.redis_calls import RedisCalls
    from api_shim.broker.server_findings import ServerFindings
    from schemas.protocol.call import Call

Reply = TypeVar("Reply")

_READS: Final = 2
"""How often something is looked for where the connection changes meanwhile."""


class Absence:
    """Tells a record that is nowhere from one that is at another server.

    A primary that was cut off and replaced takes no writes, where it counts its replicas, but it answers reads. What
    was accepted at the new one is not there.
    """

    def __init__(self, calls: RedisCalls, findings: ServerFindings) -> None:
        self._calls = calls
        self._findings = findings

    async def read(self, call: Call[Reply], *, misses: Callable[[Reply], bool]) -> Reply:
        """Make a call that changes nothing. What its reply misses is nowhere.

        It costs no more than the call where nothing is missing, or where Redis does not count its replicas.

        Args:
            call: what to read.
            misses: whether a reply says that something is not there.

        Raises:
            BrokerUnavailableError: Redis cannot be asked, or another server may have taken its place.
        """
        for _ in range(_READS):
            connections = self._calls.connections
            reply = await self._calls.read(call)
            if not misses(reply) or not self._findings.counts_replicas:
                return reply
            self._findings.judge([await self._calls.command(*each) for each in self._findings.INFO_ALONE])
            if self._findings.is_alone:
                self._calls.look_elsewhere()
                break
            if self._calls.connections == connections:
                return reply
            # One server may have been read, and another one asked whether it is alone.
        raise BrokerUnavailableError
