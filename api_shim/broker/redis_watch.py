"""Looks now and then whether the server is there, takes writes, and is set up as the service needs it.

The looks also keep the connection busy enough that nothing between here and Redis forgets it. And they find a
connection on which nobody answers any more.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from startup.background.vital_task import VitalTask

if TYPE_CHECKING:
    from api_shim.broker.redis_calls import RedisCalls
    from api_shim.broker.server_findings import ServerFindings

LOOK_SECONDS: Final = 5.0
"""The pause between two looks."""

_LOOKS_A_TRIAL: Final = 12
"""Once in so many looks the watch tries what the service does in Redis, which writes. Other looks only read `INFO`.

It tries at each look while anything is missing, and at the next one after something was refused.
"""


class RedisWatch:
    """Keeps `ServerFindings` up to date from `start` to `close`."""

    def __init__(self, calls: RedisCalls, findings: ServerFindings) -> None:
        self._calls = calls
        self._findings = findings
        self._tried_at = -math.inf
        """When writing was last tried, by the event loop's clock."""
        self.task = VitalTask("redis_watch", self._run)

    def start(self) -> None:
        """Look, from now on."""
        self.task.start()

    async def close(self) -> None:
        """Look no more."""
        await self.task.close()

    async def missing(self) -> list[str]:
        """Ask Redis now: the codes of what keeps requests from being accepted.

        `INFO` does not tell that a disk is full or that replicas are missing. So writing is tried as well, once in
        `LOOK_SECONDS` at the most: a shim that nobody has sent anything to finds out before its first client does.
        """
        is_due = asyncio.get_running_loop().time() - self._tried_at >= LOOK_SECONDS
        try:
            await self._look(thoroughly=is_due or self._findings.wants_trial)
        except BrokerUnavailableError:
            return ["broker"]
        return self._findings.missing

    async def _run(self) -> None:
        looks = 0
        while True:
            looks = (looks + 1) % _LOOKS_A_TRIAL
            # RedisCalls has counted and logged the failure already.
            with suppress(BrokerUnavailableError):
                await self._look(thoroughly=looks == 0 or self._findings.wants_trial)
                await self._calls.compare_clocks()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, *, thoroughly: bool) -> None:
        commands = self._findings.COMMANDS if thoroughly else self._findings.INFO_ALONE
        if thoroughly:
            self._tried_at = asyncio.get_running_loop().time()
        self._findings.judge([await self._ask(*command) for command in commands])
        if self._findings.elsewhere:
            self._calls.look_elsewhere()

    async def _ask(self, *command: str) -> Any:
        try:
            return await self._calls.command(*command)
        except BrokerRefusedError as error:
            return error.refusal
