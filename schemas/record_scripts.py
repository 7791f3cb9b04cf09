"""The scripts that read and change task records: each is one atomic step of the protocol (docs/reliability.md).

Redis runs a script without interleaving anything else, by its own clock. Without a flag a script is refused as a
whole when Redis is at its `maxmemory`, before it has written anything; those that end a task may still run then, since
they give memory back. `#!lua` needs Redis 7 or newer.
"""

from __future__ import annotations

from typing import Final

_NOW: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

ACCEPT: Final = (
    """#!lua
-- KEYS: record, intake:open, queue, rate of the caller
-- ARGV: task id, fingerprint, sealed request, caller, Celery message,
--       most open tasks (0: no limit), milliseconds a request costs the caller (0: no limit), burst in milliseconds
-- Reply: {accepted | known, state} | {reused} | {queue_full} | {rate_limited, milliseconds to wait}
local held = redis.call('HMGET', KEYS[1], 'fingerprint', 'state')
if held[1] then
  if held[1] == ARGV[2] then return {'known', held[2]} end
  return {'reused'}
end
local most_open = tonumber(ARGV[6])
if most_open > 0 and redis.call('ZCARD', KEYS[2]) >= most_open then return {'queue_full'} end
"""
    + _NOW
    + """
local cost = tonumber(ARGV[7])
if cost > 0 then
  -- Generic cell rate algorithm (ITU-T I.371): the key holds when the caller's requests so far will be paid for.
  local due = math.max(now, tonumber(redis.call('GET', KEYS[4]) or 0)) + cost
  local over = due - now - tonumber(ARGV[8])
  if over > 0 then return {'rate_limited', math.ceil(over)} end
  redis.call('SET', KEYS[4], due, 'PX', math.max(1, math.ceil(due - now)))
end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[2], 'sealed', ARGV[3], 'caller', ARGV[4], 'state', 'PENDING',
  'accepted_at', now, 'sent_at', now, 'sends', 1, 'starts', 0)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('LPUSH', KEYS[3], ARGV[5])
return {'accepted', 'PENDING'}
"""
)

READ: Final = """#!lua flags=no-writes
-- KEYS: record, Celery result
-- Reply: {caller, state, Celery result}; nil where there is none
local record = redis.call('HMGET', KEYS[1], 'caller', 'state')
return {record[1], record[2], redis.call('GET', KEYS[2])}
"""

START: Final = (
    """#!lua flags=allow-oom
-- KEYS: record
-- Reply: {started, sealed request, fingerprint, starts, accepted_at, now} | {finished} | {parked} | {unknown}
local held = redis.call('HMGET', KEYS[1], 'state', 'sealed', 'fingerprint', 'accepted_at')
if not held[1] then return {'unknown'} end
if held[1] == 'SUCCESS' then return {'finished'} end
if held[1] == 'FAILURE' then return {'parked'} end
"""
    + _NOW
    + """
local starts = redis.call('HINCRBY', KEYS[1], 'starts', 1)
redis.call('HSET', KEYS[1], 'state', 'STARTED')
return {'started', held[2], held[3], starts, tonumber(held[4]), now}
"""
)

FINISH: Final = (
    """#!lua flags=allow-oom
-- KEYS: record, intake:open, intake:dead, Celery result (also the channel)
-- ARGV: task id, Celery result, lifetime in milliseconds
-- Write-once: the first outcome stays. Reply: written | finished | unknown
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'unknown' end
if state == 'SUCCESS' then return 'finished' end
"""
    + _NOW
    + """
redis.call('HDEL', KEYS[1], 'sealed', 'reason')
redis.call('HSET', KEYS[1], 'state', 'SUCCESS', 'finished_at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[3])
redis.call('PUBLISH', KEYS[4], ARGV[2])
return 'written'
"""
)

RELEASE: Final = """#!lua flags=allow-oom
-- KEYS: record
-- A worker that shuts down gives the task back: the start does not count. Reply: written | finished | unknown
local held = redis.call('HMGET', KEYS[1], 'state', 'starts')
if not held[1] then return 'unknown' end
if held[1] ~= 'STARTED' then return 'finished' end
redis.call('HSET', KEYS[1], 'state', 'RETRY', 'starts', math.max(0, tonumber(held[2]) - 1))
return 'written'
"""

PARK: Final = (
    """#!lua flags=allow-oom
-- KEYS: record, intake:open, intake:dead, Celery result (also the channel)
-- ARGV: task id, reason, Celery result
-- Make it a dead letter; the sealed request stays. Reply: written | finished | unknown
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'unknown' end
if state == 'SUCCESS' then return 'finished' end
"""
    + _NOW
    + """
redis.call('HSET', KEYS[1], 'state', 'FAILURE', 'reason', ARGV[2], 'finished_at', now)
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('SET', KEYS[4], ARGV[3])
redis.call('PUBLISH', KEYS[4], ARGV[3])
return 'written'
"""
)
