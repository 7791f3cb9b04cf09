"""What no part of the service writes to Redis, written by a test: the page has to stand it."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from schemas.ids import new_task_id
from schemas.protocol.batch_keys import BATCHES_KEY, batch_key
from schemas.protocol.keys import DEAD_KEY, EVENTS_KEY, PAUSED_KEY, record_key
from schemas.protocol.overall import COUNTS_KEY, PROCESSES_KEY, PROCESSES_SEEN_KEY
from schemas.protocol.webhook_keys import endpoint_key, group_of

EVIL: Final = "<img src=x onerror=alert(1)>\"'\u202e\u2066 \x1b[31m\x00\n</script>" + "W" * 100_000
"""HTML, quotes, characters that turn or hide others, and far too long."""

_FAR: Final = 9_000_000_000_000_000
"""A time in milliseconds that no calendar has."""


def fill_with_hostile_values(client: Any) -> str:
    """Give each list of the page an entry that holds them. Returns the id of a dead letter of which all is well."""
    now = int(1000 * time.time())
    fine = new_task_id()
    letter: dict[str, Any] = {"state": "FAILURE", "reason": "fine", "accepted_at": now, "finished_at": now, "starts": 1}
    odd: list[dict[str, Any]] = [
        {"reason": EVIL, "detail": EVIL},
        {"reason": b"\xff\xfe", "detail": b"\xff", "rows": "x", "root": b"\xff", "batches": EVIL},
        {"accepted_at": "nan", "finished_at": "9" * 15, "starts": "9" * 30, "rows": "-1", "first": "x"},
    ]
    for task_id, fields in [(fine, {}), *((new_task_id(), each) for each in odd)]:
        client.hset(record_key(task_id), mapping={**letter, **fields})
        client.zadd(DEAD_KEY, {task_id: now})
    # What is no record, has no time, or is named as nothing is.
    no_record = new_task_id()
    client.set(record_key(no_record), "no hash")
    client.zadd(DEAD_KEY, {no_record: now, EVIL: now, b"\xff": now, new_task_id(): float("inf")})

    details: dict[str, Any] = {"kind": EVIL[:1000], "version": "1", "host": "h\u202e", "pid": 1, "holds": {"\u202e": 1}}
    details |= {"started_at_milliseconds": _FAR, "per_second": 1e308, "taking": "yes", "away": {"__proto__": _FAR}}
    a_worker = {**details, "kind": "worker"}
    for name, told in {
        b"\xff": {**a_worker, "away": {"database": -_FAR}},
        b"\xfe": a_worker,
        b"far": {**a_worker, "away": {"database": _FAR}},
        b"evil": details,
        b"long": {**details, "host": EVIL},
    }.items():
        client.hset(PROCESSES_KEY, name, json.dumps(told))
        client.zadd(PROCESSES_SEEN_KEY, {name: now})
    client.hset(COUNTS_KEY, mapping={f"signups:finished:{EVIL}": 5, "signups:finished:__proto__": 1, "since": _FAR})
    client.hset(PAUSED_KEY, mapping={"what": "all", "by": EVIL, "at": "9" * 15})
    client.hset(batch_key(EVIL), mapping={"mode": EVIL, "rows": "1e308", "accepted_at": _FAR})
    client.zadd(BATCHES_KEY, {EVIL: 1})
    client.xgroup_create(EVENTS_KEY, group_of(EVIL), mkstream=True)
    endpoint = {"since": "x", "delivered": "nan", "last_outcome": EVIL, "off_reason": EVIL, "off_at": "x"}
    client.hset(endpoint_key(EVIL), mapping=endpoint)
    return fine
