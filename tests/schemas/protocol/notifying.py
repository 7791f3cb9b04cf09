"""The steps of a notifier, for their tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.events import EventType
from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.steps import delivering
from schemas.protocol.steps.delivering import (
    Ending,
    EndpointChange,
    EndpointState,
    Refused,
    TakenEvent,
    TakenEvents,
    Tried,
)
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Collection

    import redis

HOUR: Final = 3600.0
"""Seconds."""


@dataclass
class Notifying:
    """The steps of a notifier that sends to one endpoint."""

    client: redis.Redis
    holder: str = "one"
    endpoint: str = "crm"
    types: Collection[str] | None = None
    callers: Collection[str] | None = None
    count: int = 0

    def run(self, call: Any) -> Any:
        return Scripts(self.client).run(call)

    def lease(self, *, seconds: float = 60) -> bool:
        return bool(self.run(delivering.lease_notifier(self.holder, lease_seconds=seconds)))

    def happen(self, count: int = 1, *, type_: str = EventType.CREATED, caller: str = "shop") -> list[str]:
        ids = []
        for _ in range(count):
            self.count += 1
            ids.append(f"evt_{self.count}")
            fields: dict[Any, Any] = {
                "id": ids[-1],
                "type": type_,
                "at": 1_700_000_000_000,
                "caller": caller,
                "data": "{}",
            }
            self.client.xadd(EVENTS_KEY, fields)
        return ids

    def ask(self, *, most: int = 10, most_waiting: int = 100) -> TakenEvents | Refused:
        reply: TakenEvents | Refused = self.run(
            delivering.take_events(
                self.holder,
                self.endpoint,
                most=most,
                most_waiting=most_waiting,
                longest_seconds=2 * HOUR,
                types=self.types,
                callers=self.callers,
            )
        )
        return reply

    def take(self, *, most: int = 10, most_waiting: int = 100) -> list[TakenEvent]:
        reply = self.ask(most=most, most_waiting=most_waiting)
        assert isinstance(reply, TakenEvents)
        return list(reply.events)

    def ids(self, *, most: int = 10, most_waiting: int = 100) -> list[str]:
        return [taken.event.id for taken in self.take(most=most, most_waiting=most_waiting)]

    def end(
        self,
        taken: TakenEvent,
        ending: Ending = Ending.DELIVERED,
        *,
        pause: float = 0,
        gone: bool = False,
        off: float = HOUR,
    ) -> EndpointChange:
        tried = Tried(place=taken.place, ending=ending, outcome="x", pause_seconds=pause, try_seconds=0.1, is_gone=gone)
        reply: EndpointChange = self.run(delivering.end_try(self.holder, self.endpoint, tried, off_seconds=off))
        return reply

    def state(self) -> EndpointState:
        state = self.run(delivering.read_endpoint(self.endpoint))
        assert isinstance(state, EndpointState)
        return state
