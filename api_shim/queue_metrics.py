"""The queue as it is now, for Prometheus. Redis is asked at each scrape, so that what is shown is never old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from schemas.protocol.batch_keys import OPEN_ROWS_KEY, WAITING_CHUNKS_KEY
from schemas.protocol.keys import DEAD_KEY, EVENTS_KEY, HELD_KEY, OPEN_KEY, QUEUE, RESENT_KEY
from schemas.protocol.lanes import CHUNKS
from startup.broker.redis_requirements import parse_info

if TYPE_CHECKING:
    from api_shim.broker.redis_calls import RedisCalls

_MEMORY_GAUGES: Final = (
    ("used_memory", "intake_redis_used_bytes", "Memory that Redis has allocated."),
    ("maxmemory", "intake_redis_maximum_bytes", "Redis' maxmemory; 0: no limit of its own."),
)
"""Fields of `INFO memory`, each with the name and the meaning of its metric."""


async def render_queue(calls: RedisCalls) -> bytes:
    """The state of the queue and of Redis' memory, in Prometheus' text format.

    Where Redis does not answer, only `intake_redis_up` is there, as 0.
    """
    try:
        clock = await calls.command("TIME")
        opened, oldest, oldest_resent, waiting, held, dead = (
            await calls.command("ZCARD", OPEN_KEY),
            await calls.command("ZRANGE", OPEN_KEY, 0, 0, "WITHSCORES"),
            await calls.command("ZRANGE", RESENT_KEY, 0, 0, "WITHSCORES"),
            await calls.command("LLEN", QUEUE),
            # Leases that have run out are not counted: dead workers leave them until another one sweeps.
            await calls.command("ZCOUNT", HELD_KEY, f"({_milliseconds(clock)}", "+inf"),
            await calls.command("ZCARD", DEAD_KEY),
        )
        chunks, chunks_behind, oldest_chunk, oldest_resent_chunk, queued_chunks, rows = (
            await calls.command("ZCARD", CHUNKS.open_key),
            await calls.command("ZCARD", WAITING_CHUNKS_KEY),
            await calls.command("ZRANGE", CHUNKS.open_key, 0, 0, "WITHSCORES"),
            await calls.command("ZRANGE", CHUNKS.resent_key, 0, 0, "WITHSCORES"),
            await calls.command("LLEN", CHUNKS.queue),
            await calls.command("GET", OPEN_ROWS_KEY),
        )
        events, oldest_event = (
            await calls.command("XLEN", EVENTS_KEY),
            await calls.command("XRANGE", EVENTS_KEY, "-", "+", "COUNT", 1),
        )
        memory = await _render_memory(calls)
    except BrokerUnavailableError:
        return _gauge("intake_redis_up", "Whether Redis answered this scrape.", 0)
    age = _age([*oldest, *oldest_resent], clock)
    chunk_age = _age([*oldest_chunk, *oldest_resent_chunk], clock)
    # The place of an event begins with its time.
    event_age = _age([[place, place.partition(b"-")[0]] for place, _ in oldest_event], clock)
    return b"".join(
        (
            _gauge("intake_redis_up", "Whether Redis answered this scrape.", 1),
            _gauge("intake_open_tasks", "Tasks accepted and without outcome.", opened),
            _gauge("intake_oldest_open_seconds", "Age of the oldest open task.", age),
            _gauge("intake_queue_messages", "Messages waiting in the queue.", waiting),
            _gauge("intake_held_tasks", "Tasks that workers work on.", held),
            _gauge("intake_open_chunks", "Chunks of batches accepted and without outcome.", chunks + chunks_behind),
            _gauge("intake_oldest_open_chunk_seconds", "Age of the oldest chunk in the queue or held.", chunk_age),
            _gauge("intake_queue_chunks", "Chunks waiting in their queue.", queued_chunks),
            _gauge("intake_open_rows", "Rows of batches accepted and without outcome.", int(rows or 0)),
            _gauge("intake_dead_letters", "Tasks that wait for an operator.", dead),
            _gauge("intake_events_kept", "Events in the outbox.", events),
            _gauge("intake_oldest_event_seconds", "Age of the oldest event in the outbox.", event_age),
            memory,
        )
    )


async def _render_memory(calls: RedisCalls) -> bytes:
    try:
        told: bytes = await calls.command("INFO", "memory")
    except BrokerRefusedError:
        return b""  # this user may not call INFO; `intake_redis_finding` tells
    fields = parse_info(told)
    # Managed servers and proxies leave fields out, or their values. The rest of the scrape must not fail for it.
    return b"".join(
        _gauge(name, meaning, int(fields[field]))
        for field, name, meaning in _MEMORY_GAUGES
        if fields.get(field, "").isdecimal()
    )


def _age(oldest: list[Any], clock: list[Any]) -> float:
    """Seconds since the earliest of these times, in `[[id, time], …]` or, as RESP2 has it, `[id, time, …]`."""
    flat = [each for pair in oldest for each in (pair if isinstance(pair, list) else [pair])]
    if not flat:
        return 0.0
    return max(0.0, (_milliseconds(clock) - min(map(float, flat[1::2]))) / 1000)


def _milliseconds(clock: list[Any]) -> int:
    return 1000 * int(clock[0]) + int(clock[1]) // 1000


def _gauge(name: str, meaning: str, value: float) -> bytes:
    return f"# HELP {name} {meaning}\n# TYPE {name} gauge\n{name} {value}\n".encode()
