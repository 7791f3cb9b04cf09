"""Events in a real Redis, as the steps that end tasks append them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from schemas.events import EventType
from schemas.protocol.keys import EVENTS_KEY

if TYPE_CHECKING:
    import redis


def happen(
    client: redis.Redis, *ids: str, type_: str = EventType.CREATED, caller: str = "shop", at: float | None = None
) -> None:
    """Append an event with each of these ids. They happen now, or at a Unix time."""
    at_milliseconds = int(1000 * (time.time() if at is None else at))
    with client.pipeline(transaction=False) as pipeline:
        for id_ in ids:
            fields: dict[Any, Any] = {
                "id": id_,
                "type": type_,
                "at": at_milliseconds,
                "caller": caller,
                "data": json.dumps({"task": id_.removeprefix("evt_"), "customer": "c"}),
            }
            pipeline.xadd(EVENTS_KEY, fields)
        pipeline.execute()
