"""Metrics and log lines about Redis: each refusal and each lost connection is counted, and logged at a bounded rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from startup.seldom import Seldom

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api_shim.metrics import ShimMetrics
    from startup.broker.redis_refusals import Refusal
    from startup.broker.redis_requirements import Finding, Severity

BROKER: Final = "broker"
"""What Redis is called in the labels of metrics and in log lines."""

_FINDING_SECONDS: Final = 60.0
"""How often a finding is logged again while it stands, since an operator has to mend it."""

log = structlog.get_logger("api_shim.redis")


class RedisReports:
    """Writes log lines and counts about Redis."""

    def __init__(self, metrics: ShimMetrics) -> None:
        self._metrics = metrics
        self._seldom = Seldom()
        self._seldom_findings = Seldom(every_seconds=_FINDING_SECONDS)
        self._found: dict[str, Severity] = {}

    def refused(self, refusal: Refusal) -> None:
        """Redis refused a call, or this process refused it in Redis' place."""
        self._metrics.dependency_refused(BROKER, refusal.code)
        if self._seldom.is_due(refusal.code):
            log.error("dependency_refuses", dependency=BROKER, code=refusal.code, advice=refusal.sentence)

    def away(self, error: Exception) -> None:
        """A connection was lost, or none could be made."""
        self._metrics.dependency_failed(BROKER)
        if self._seldom.is_due("away"):
            log.warning("dependency_away", dependency=BROKER, exc_info=error)

    def found(self, findings: Iterable[Finding]) -> None:
        """Take over everything that is wrong with the server now; what is missing here is mended."""
        found = {}
        for finding in findings:
            found[finding.code] = finding.severity
            is_due = self._seldom_findings.is_due(finding.code)
            if is_due or finding.code not in self._found:
                log.error("redis_finding", finding=finding.code, severity=finding.severity, advice=finding.sentence)
        for code, severity in self._found.items():
            self._metrics.redis_finding(code, severity, stands=False)
            if code not in found:
                log.info("redis_finding_gone", finding=code)
        for code, severity in found.items():
            self._metrics.redis_finding(code, severity, stands=True)
        self._found = found
