"""Endpoints of webhooks as an operator sees them: whether events are sent to them, and what they lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from console.service.texts import readable
from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.steps.delivering import OffReason, read_endpoint, switch_endpoint
from schemas.protocol.webhook_keys import EndpointField, group_of
from startup.broker.calls import send

if TYPE_CHECKING:
    import redis

    from console.service.broker import Broker
    from schemas.protocol.steps.delivering import EndpointState

MOST_SHOWN: Final = 50
"""Endpoints that are shown, by name."""


class OperatorsEndpoints:
    """The endpoints, for an operator. Every method raises `BrokerAwayError` while Redis cannot be used."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def all(self) -> list[dict[str, Any]]:
        """Every endpoint that the notifier has seen."""
        return await self._broker.use(_all)

    async def switch(self, name: str, *, on: bool) -> bool | None:
        """Send it events again, or no more. Whether that is a change; None where nothing is known of it."""
        (changed,) = await self._broker.act(switch_endpoint(name, off_reason=None if on else OffReason.OPERATOR))
        return None if changed is None else bool(changed)


def known_endpoints(client: redis.Redis) -> list[str]:
    """The endpoints of which something is kept, by their consumer groups."""
    if not client.exists(EVENTS_KEY):
        return []
    groups: Any = client.xinfo_groups(EVENTS_KEY)
    prefix = group_of("").encode()
    names = [bytes(each["name"]) for each in groups]
    # Anybody may read events with a group of their own, whose name need not be text.
    return sorted(name.removeprefix(prefix).decode(errors="replace") for name in names if name.startswith(prefix))


def _all(client: redis.Redis) -> list[dict[str, Any]]:
    names = known_endpoints(client)[:MOST_SHOWN]
    calls = [read_endpoint(name) for name in names]
    shown = []
    for name, call, reply in zip(names, calls, send(client, calls) if calls else [], strict=True):
        if isinstance(reply, Exception):
            raise reply
        state = call.read(reply)
        if state is not None:
            shown.append(_shown(name, state))
    return shown


def _shown(name: str, state: EndpointState) -> dict[str, Any]:
    return {
        "name": readable(name),
        "on": state.off_reason is None,
        "off_reason": None if state.off_reason is None else readable(state.off_reason),
        "off_seconds": state.ago_seconds(EndpointField.OFF_AT),
        "failing_seconds": state.ago_seconds(EndpointField.FAILING_SINCE),
        "waiting": state.waiting,
        "oldest_seconds": state.oldest_seconds,
        "delivered": state.count(EndpointField.DELIVERED),
        "given_up": state.count(EndpointField.GIVEN_UP),
        "last_outcome": readable(state.fields.get(EndpointField.LAST_OUTCOME)),
    }
