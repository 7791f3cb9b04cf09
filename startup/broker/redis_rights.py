"""The least rights that each process needs in Redis: commands, keys and channels, as Redis' ACL names them.

Redis looks at the rights of the user who calls a script at each command inside the script. So a process needs the
commands of its scripts as well as those that it sends itself. `deploy/redis-users.acl` has the same rights as lines for
Redis. Tests hold both against the scripts and against a real server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.protocol.batch_keys import (
    BATCHES_KEY,
    OPEN_ROWS_KEY,
    WAITING_CHUNKS_KEY,
    batch_key,
    batches_key,
    open_batches_key,
)
from schemas.protocol.keys import (
    DEAD_KEY,
    EVENTS_KEY,
    EVENTS_TRIMMED_KEY,
    HELD_KEY,
    OPEN_KEY,
    PAUSED_KEY,
    QUEUE,
    RESENT_KEY,
    SWEEPER_LEASE_KEY,
    SWEEPER_PLACE_KEY,
    link_key,
    rate_key,
    record_key,
    result_key,
    waiter_channel,
)
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.overall import COUNTS_KEY, HISTORY_KEY, PROCESSES_KEY, PROCESSES_SEEN_KEY
from schemas.protocol.webhook_keys import NOTIFIER_KEY, endpoint_key

PROBE_KEY: Final = "intake:probe"
"""A key that a process writes and deletes to find out whether Redis takes writes."""

PROBE_LIST_KEY: Final = "intake:probe:list"
"""A list that is always empty, from which a worker takes messages to find out whether it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one process may do. Patterns are Redis' (`*` for anything)."""

    user: str
    """The user's name in the lines for Redis."""
    scripts: tuple[str, ...]
    """Commands that the process' scripts call."""
    direct: tuple[str, ...]
    """Commands that the process sends itself. `SCRIPT|LOAD` is the subcommand `LOAD` of `SCRIPT`."""
    keys: tuple[str, ...]
    """Patterns of keys that are read and written. A script's declared keys count as both."""
    read: tuple[str, ...] = ()
    """Patterns of keys that are only read."""
    written: tuple[str, ...] = ()
    """Patterns of keys that are only written."""
    channels: tuple[str, ...]
    """Patterns of channels."""

    @property
    def commands(self) -> tuple[str, ...]:
        """All commands, in the alphabet's order."""
        return tuple(sorted({*self.scripts, *self.direct}))

    def rules(self) -> tuple[str, ...]:
        """The rules of an `ACL SETUSER`, without the password."""
        return (
            "resetkeys",
            *(f"~{each}" for each in self.keys),
            *(f"%R~{each}" for each in self.read),
            *(f"%W~{each}" for each in self.written),
            "resetchannels",
            *(f"&{each}" for each in self.channels),
            "-@all",
            *(f"+{each.lower()}" for each in self.commands),
        )


_ANY_RECORD: Final = record_key("*")
"""Every task's record."""
_ANY_RESULT: Final = result_key("*")
"""Every task's result. Also the channels on which results, and news of batches, are told."""
_ANY_BATCH: Final = batch_key("*")
"""Every batch, its chunks and its claims of emails."""
_ANY_ENDPOINT: Final = endpoint_key("*")
"""Every endpoint's state, and what is kept of the events that it lacks."""
_ANY_LINK: Final = link_key("*")
"""Every link to the console that was used."""

_CONNECTING: Final = ("CLIENT|SETINFO", "EVALSHA", "ROLE", "SCRIPT|LOAD", "SELECT")
"""What every process sends: redis-py tells its name and chooses the database, and steps are scripts.

`ROLE` is needed where Sentinels tell who the primary is.
"""

_WATCHING: Final = ("EVAL", "INFO", "PING")
"""What the shim and the worker send to find out whether Redis is as they need it."""

SHIM: Final = Rights(
    user="intake-shim",
    scripts=(
        *("EXISTS", "GET", "HDEL", "HEXISTS", "HGET", "HGETALL", "HINCRBY", "HKEYS", "HMGET", "HSET", "INCRBY"),
        *("LLEN", "LPUSH", "PERSIST", "PEXPIREAT", "PUBLISH", "SADD", "SCARD", "SET", "SREM", "TIME", "XADD"),
        *("XLEN", "XRANGE", "XREVRANGE", "ZADD", "ZCARD", "ZCOUNT", "ZRANGE", "ZRANK", "ZREM", "ZSCORE"),
    ),
    direct=(*_CONNECTING, *_WATCHING, "GET", "SUBSCRIBE", "TIME", "UNSUBSCRIBE", "WAIT", "XREAD"),
    keys=(
        _ANY_RECORD,
        _ANY_RESULT,
        rate_key("*"),
        OPEN_KEY,
        HELD_KEY,
        QUEUE,
        BATCHES_KEY,
        _ANY_BATCH,
        batches_key("*"),
        open_batches_key("*"),
        OPEN_ROWS_KEY,
        CHUNKS.open_key,
        CHUNKS.resent_key,
        WAITING_CHUNKS_KEY,
        EVENTS_KEY,
        EVENTS_TRIMMED_KEY,
        COUNTS_KEY,
        HISTORY_KEY,
        PROCESSES_KEY,
        PROCESSES_SEEN_KEY,
        PROBE_KEY,
    ),
    read=(RESENT_KEY, DEAD_KEY, PAUSED_KEY),
    written=(CHUNKS.queue,),
    channels=(_ANY_RESULT, waiter_channel("*")),
)
"""The shim accepts, reads and cancels. It takes nothing off a queue."""

WORKER: Final = Rights(
    user="intake-worker",
    scripts=(
        *("DEL", "EXISTS", "GET", "HDEL", "HEXISTS", "HGET", "HGETALL", "HINCRBY", "HKEYS", "HMGET", "HSET", "HSETNX"),
        *("INCRBY", "LINDEX", "LPUSH", "PEXPIRE", "PEXPIREAT", "PTTL", "PUBLISH", "RPUSH", "SCARD", "SET", "SREM"),
        *(
            "TIME",
            "XADD",
            "XINFO|GROUPS",
            "XPENDING",
            "XRANGE",
            "XREVRANGE",
            "XTRIM",
            "ZADD",
            "ZCARD",
            "ZRANGE",
            "ZREM",
        ),
        "ZSCORE",
    ),
    # kombu asks for the lengths of the queues as it connects, in a transaction.
    direct=(*_CONNECTING, *_WATCHING, "BLMPOP", "EXEC", "LLEN", "LMPOP", "MULTI"),
    keys=(
        _ANY_RECORD,
        _ANY_RESULT,
        OPEN_KEY,
        RESENT_KEY,
        HELD_KEY,
        DEAD_KEY,
        QUEUE,
        SWEEPER_LEASE_KEY,
        SWEEPER_PLACE_KEY,
        BATCHES_KEY,
        _ANY_BATCH,
        batches_key("*"),
        open_batches_key("*"),
        OPEN_ROWS_KEY,
        CHUNKS.open_key,
        CHUNKS.resent_key,
        CHUNKS.queue,
        CHUNKS.place_key,
        WAITING_CHUNKS_KEY,
        EVENTS_KEY,
        EVENTS_TRIMMED_KEY,
        COUNTS_KEY,
        HISTORY_KEY,
        PROCESSES_KEY,
        PROCESSES_SEEN_KEY,
        PAUSED_KEY,
        PROBE_KEY,
        PROBE_LIST_KEY,
    ),
    channels=(_ANY_RESULT, waiter_channel("*")),
)
"""The worker takes tasks and ends them. It subscribes to nothing, and knows nothing of rates."""

NOTIFIER: Final = Rights(
    user="intake-notifier",
    scripts=(
        *("DEL", "GET", "HDEL", "HEXISTS", "HGET", "HINCRBY", "HMGET", "HSET", "PEXPIRE", "PTTL"),
        *("SET", "TIME", "XACK", "XGROUP|CREATE", "XINFO|GROUPS", "XPENDING", "XRANGE", "XREADGROUP", "ZADD", "ZCARD"),
        *("ZRANGE", "ZREM", "ZSCORE"),
    ),
    direct=(*_CONNECTING, "XREAD", "XREVRANGE"),
    keys=(EVENTS_KEY, NOTIFIER_KEY, _ANY_ENDPOINT, PROCESSES_KEY, PROCESSES_SEEN_KEY),
    channels=(),
)
"""The notifier reads events, and keeps which endpoint lacks which. It neither appends nor removes one."""

OPERATOR: Final = Rights(
    user="intake-operator",
    scripts=(
        *("DEL", "EXISTS", "HDEL", "HEXISTS", "HGET", "HINCRBY", "HMGET", "HSET", "INCRBY", "LPUSH"),
        *("PEXPIREAT", "PUBLISH", "SREM", "TIME", "XADD", "XGROUP|DESTROY", "XINFO|GROUPS", "XPENDING", "XRANGE"),
        *("ZADD", "ZCARD", "ZRANGE", "ZREM"),
    ),
    direct=(*_CONNECTING, "EXISTS", "HMGET", "TIME", "XINFO|GROUPS", "ZRANGE", "ZSCAN"),
    keys=(
        _ANY_RECORD,
        _ANY_RESULT,
        OPEN_KEY,
        RESENT_KEY,
        DEAD_KEY,
        QUEUE,
        BATCHES_KEY,
        _ANY_BATCH,
        open_batches_key("*"),
        OPEN_ROWS_KEY,
        CHUNKS.open_key,
        CHUNKS.resent_key,
        EVENTS_KEY,
        _ANY_ENDPOINT,
        COUNTS_KEY,
    ),
    read=(WAITING_CHUNKS_KEY,),
    written=(CHUNKS.queue,),
    channels=(_ANY_RESULT,),
)
"""`customer-intake dead-letters` lists, sends again and drops; `customer-intake webhooks` looks after endpoints."""

CONSOLE: Final = Rights(
    user="intake-console",
    scripts=(
        *(
            "DEL",
            "EXISTS",
            "GET",
            "HDEL",
            "HEXISTS",
            "HGET",
            "HGETALL",
            "HINCRBY",
            "HKEYS",
            "HMGET",
            "HSET",
            "INCRBY",
            "LLEN",
        ),
        *(
            "LPUSH",
            "PEXPIREAT",
            "PUBLISH",
            "SET",
            "SREM",
            "TIME",
            "XADD",
            "XINFO|GROUPS",
            "XLEN",
            "XPENDING",
            "XRANGE",
            "XREVRANGE",
            "ZADD",
            "ZCARD",
        ),
        *("ZCOUNT", "ZRANGE", "ZREM", "ZSCORE"),
    ),
    direct=(*_CONNECTING, "EXISTS", "HMGET", "PING", "TIME", "XINFO|GROUPS", "ZRANGE", "ZSCAN"),
    keys=(
        _ANY_RECORD,
        _ANY_RESULT,
        OPEN_KEY,
        RESENT_KEY,
        HELD_KEY,
        DEAD_KEY,
        QUEUE,
        BATCHES_KEY,
        _ANY_BATCH,
        open_batches_key("*"),
        OPEN_ROWS_KEY,
        CHUNKS.open_key,
        CHUNKS.resent_key,
        CHUNKS.queue,
        WAITING_CHUNKS_KEY,
        EVENTS_KEY,
        _ANY_ENDPOINT,
        COUNTS_KEY,
        HISTORY_KEY,
        PAUSED_KEY,
        PROCESSES_KEY,
        PROCESSES_SEEN_KEY,
        _ANY_LINK,
    ),
    channels=(_ANY_RESULT,),
)
"""The console looks, and acts as the operator does. It cancels batches, pauses, and marks links as used too."""

PROCESSES: Final = (SHIM, WORKER, NOTIFIER, OPERATOR, CONSOLE)
"""The rights of each process."""
