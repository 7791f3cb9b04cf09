"""Makes sure of what is not there, before a caller is told so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_shim.broker.broker_errors import BrokerUnavailableError

if TYPE_CHECKING:
    from api_shim.broker.redis_calls import RedisCalls
    from api_shim.broker.server_findings import ServerFindings


class Absence:
    """Tells a record that is nowhere from one that is at another server.

    A primary that was cut off and replaced takes no writes, where it counts its replicas, but it answers reads. What
    was accepted at the new one is not there.
    """

    def __init__(self, calls: RedisCalls, findings: ServerFindings) -> None:
        self._calls = calls
        self._findings = findings

    async def confirm(self) -> None:
        """Return if what the last call did not find is nowhere. Costs nothing where Redis does not count replicas.

        Raises:
            BrokerUnavailableError: this server has lost its replicas, so that another may have taken its place.
        """
        if not self._findings.counts_replicas:
            return
        self._findings.judge([await self._calls.command(*each) for each in self._findings.INFO_ALONE])
        if self._findings.is_alone:
            self._calls.look_elsewhere()
            raise BrokerUnavailableError
