"""Whether the counts that the protocol's steps move account for everything that was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.protocol.steps.overseeing import read_overview
from startup.broker.calls import send

if TYPE_CHECKING:
    from tests.faults.harness.service_under_test import ServiceUnderTest


def find_imbalance(service: ServiceUnderTest) -> list[str]:
    """What is accepted and has no outcome, and is neither open nor a dead letter; and what was made of nothing."""
    if not service.all_count:
        return []
    with service.redis_client() as client:
        call = read_overview()
        (reply,) = send(client, [call])
    overview = call.read(reply)
    if overview.unaccounted == 0:
        return []
    return [f"the counts do not account for everything: {overview.signups}, {overview.rows}, {overview}"]
