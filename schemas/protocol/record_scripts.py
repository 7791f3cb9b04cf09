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

_ID_IN: Final = """
local function id_in(message)
  return string.match(message, '"correlation_id": ?"(%w+)"')
end
"""

_BEFORE_HEAD: Final = """
-- What `sent_at` a task has from when it stands at the queue's head. The queue stays in the order of sending, or SWEEP
-- would take for lost what stands behind a younger head. The index need not follow: its score is the later time.
local function before_head(queue, prefix, sent_at)
  local head = redis.call('LINDEX', queue, -1)
  local heads = head and redis.call('HGET', prefix .. (id_in(head) or ''), 'sent_at')
  return heads and math.min(sent_at, tonumber(heads)) or sent_at
end
"""

_LEASE_END: Final = """
-- When the task's lease ends; nil where it has none. An end further away than `longest` is what a clock left behind
-- that was set back since. It is cut, and a worker that lives renews it: each does so every ten seconds or oftener.
local function lease_end(leases, id, longest)
  local ends = tonumber(redis.call('ZSCORE', leases, id))
  if ends and ends > now + longest then
    ends = now + longest
    redis.call('ZADD', leases, ends, id)
  end
  return ends
end
"""

LEAST_CUT_MILLISECONDS: Final = 60_000
"""No lease is cut to less than this, whatever the lease of the worker that meets it: others may have longer ones."""

ACCEPT: Final = (
    """#!lua
-- KEYS: record, intake:open, queue, rate of the caller
-- ARGV: task id, fingerprint, sealed request, caller, Celery message,
--       most open tasks (0: no limit), milliseconds a request costs the caller (0: no limit), burst in milliseconds,
--       channel that is told of the outcome beside the task's own ('': none),
--       Unix milliseconds after which nothing is accepted (0: no such time)
-- Reply: {accepted | known, state} | {reused} | {late} | {queue_full} | {rate_limited, milliseconds to wait}
local held = redis.call('HMGET', KEYS[1], 'fingerprint', 'state')
if held[1] then
  if held[1] == ARGV[2] then return {'known', held[2]} end
  return {'reused'}
end
"""
    + _NOW
    + """
-- Whoever asked has been answered that nothing was accepted. Found after what is there already: that was in time.
local latest = tonumber(ARGV[10])
if latest > 0 and now >= latest then return {'late'} end
local most_open = tonumber(ARGV[6])
if most_open > 0 and redis.call('ZCARD', KEYS[2]) >= most_open then return {'queue_full'} end
local cost = tonumber(ARGV[7])
if cost > 0 then
  -- Generic cell rate algorithm (ITU-T I.371): the key holds when the caller's requests so far will be paid for.
  local burst = tonumber(ARGV[8])
  local paid_at = tonumber(redis.call('GET', KEYS[4]) or 0)
  if paid_at > now + burst then
    -- More than may ever be owed: the clock was set back since, or the burst was made smaller.
    paid_at = now + burst
    redis.call('SET', KEYS[4], paid_at, 'PX', math.max(1, math.ceil(burst)))
  end
  local due = math.max(now, paid_at) + cost
  local over = due - now - burst
  if over > 0 then return {'rate_limited', math.ceil(over)} end
  redis.call('SET', KEYS[4], due, 'PX', math.max(1, math.ceil(due - now)))
end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[2], 'sealed', ARGV[3], 'caller', ARGV[4], 'state', 'PENDING',
  'accepted_at', now, 'sent_at', now, 'sends', 1, 'starts', 0)
if ARGV[9] ~= '' then redis.call('HSET', KEYS[1], 'waiter', ARGV[9]) end
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
-- KEYS: record, intake:held
-- ARGV: task id, the delivery's own name, lease in milliseconds, 1 where the task runs alone in its process, else 0
-- Reply: {started, sealed request, fingerprint, starts, accepted_at, now}
--        | {finished} | {parked} | {held} | {alone} | {unknown}
local held = redis.call('HMGET', KEYS[1], 'state', 'sealed', 'fingerprint', 'accepted_at', 'starts', 'holder',
  'missing_at')
if not held[1] then return {'unknown'} end
if held[1] == 'SUCCESS' then return {'finished'} end
if held[1] == 'FAILURE' then return {'parked'} end
"""
    + _NOW
    + _LEASE_END
    + f"""
local longest = math.max(tonumber(ARGV[3]), {LEAST_CUT_MILLISECONDS})
"""
    + """
local same = held[6] == ARGV[2]
if not same and held[1] == 'STARTED' and (lease_end(KEYS[2], ARGV[1], longest) or 0) > now then
  return {'held'}
end
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
if held[7] then redis.call('HDEL', KEYS[1], 'missing_at') end
-- Two starts that came to nothing may be a neighbour's doing; a task that kills its process shows it when alone.
if not same and tonumber(held[5]) >= 2 and ARGV[4] == '0' then
  -- Its last holder's lease has run out; the lease it has now is for the call that will start it alone.
  redis.call('HSET', KEYS[1], 'state', 'RETRY')
  return {'alone'}
end
-- The same delivery again: the answer to its first call was lost on the way, and its start is counted already.
local starts = same and tonumber(held[5]) or redis.call('HINCRBY', KEYS[1], 'starts', 1)
redis.call('HSET', KEYS[1], 'state', 'STARTED', 'holder', ARGV[2])
return {'started', held[2], held[3], starts, tonumber(held[4]), now}
"""
)

RENEW: Final = (
    """#!lua flags=allow-oom
-- KEYS: intake:held
-- ARGV: prefix of a record's key, lease in milliseconds, then for each delivery its task id and its own name
-- What a worker has taken off the queue and not started on is held as well, or it would be sent again while it waits
-- behind tasks that wait for the database. Leases of tasks that have ended meanwhile stay ended.
"""
    + _NOW
    + """
for place = 3, #ARGV, 2 do
  local record = redis.call('HMGET', ARGV[1] .. ARGV[place], 'state', 'holder')
  local mine = record[1] == 'STARTED' and record[2] == ARGV[place + 1]
  if mine or record[1] == 'PENDING' or record[1] == 'RETRY' then
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[place])
  end
end
return (#ARGV - 2) / 2
"""
)

FINISH: Final = (
    """#!lua flags=allow-oom
-- KEYS: record, intake:open, intake:dead, Celery result (also the channel), intake:held, intake:resent
-- ARGV: task id, Celery result, lifetime in milliseconds
-- Write-once: the first outcome stays. Reply: written | finished | unknown
local held = redis.call('HMGET', KEYS[1], 'state', 'waiter')
if not held[1] then return 'unknown' end
if held[1] == 'SUCCESS' then return 'finished' end
"""
    + _NOW
    + """
redis.call('HDEL', KEYS[1], 'sealed', 'reason', 'detail', 'holder', 'waiter', 'deferred_at')
redis.call('HSET', KEYS[1], 'state', 'SUCCESS', 'finished_at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[3])
redis.call('PUBLISH', KEYS[4], ARGV[2])
if held[2] then redis.call('PUBLISH', held[2], ARGV[1] .. ' ' .. ARGV[2]) end
return 'written'
"""
)

RELEASE: Final = (
    """#!lua flags=allow-oom
-- KEYS: record, intake:held, queue
-- ARGV: task id, the delivery's own name, Celery message, prefix of a record's key
-- A worker that cannot use a dependency, or stops while one is away, puts the task back at the queue's head. Its start
-- does not count.
-- Reply: written | finished | unknown
"""
    + _ID_IN
    + _BEFORE_HEAD
    + """
local held = redis.call('HMGET', KEYS[1], 'state', 'starts', 'holder', 'sent_at')
if not held[1] then return 'unknown' end
if held[1] ~= 'STARTED' or held[3] ~= ARGV[2] then return 'finished' end
local sent_at = before_head(KEYS[3], ARGV[4], tonumber(held[4]))
redis.call('HSET', KEYS[1], 'state', 'RETRY', 'starts', math.max(0, tonumber(held[2]) - 1), 'sent_at', sent_at)
-- While a dependency is away no worker reads anything: the wait for one that can begins anew (see DEFER).
redis.call('HDEL', KEYS[1], 'holder', 'missing_at', 'deferred_at')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('RPUSH', KEYS[3], ARGV[3])
return 'written'
"""
)

PUT_BACK: Final = (
    """#!lua flags=allow-oom
-- KEYS: queue, intake:held
-- ARGV: prefix of a record's key, then each message, the one first that was taken first
-- A worker that stops puts back at the queue's head what it has taken off it and not started on.
-- Reply: how many
"""
    + _ID_IN
    + _BEFORE_HEAD
    + """
for place = #ARGV, 2, -1 do
  local id = id_in(ARGV[place])
  local record = id and ARGV[1] .. id
  local sent_at = record and redis.call('HGET', record, 'sent_at')
  if sent_at then
    redis.call('HSET', record, 'sent_at', before_head(KEYS[1], ARGV[1], tonumber(sent_at)))
    redis.call('HDEL', record, 'missing_at')
    -- No lease but of whoever has started on it meanwhile, from another message.
    if redis.call('HGET', record, 'state') ~= 'STARTED' then redis.call('ZREM', KEYS[2], id) end
  end
  redis.call('RPUSH', KEYS[1], ARGV[place])
end
return #ARGV - 1
"""
)

DEFER: Final = (
    """#!lua flags=allow-oom
-- KEYS: record, intake:held, intake:open, intake:resent
-- ARGV: task id, the delivery's own name, milliseconds after which it is put off no longer
-- A worker that cannot read the request leaves it to others: open, neither queued nor held, so that the sweeper sends
-- it again when the grace time is over. Neither this start nor the send that led to it counts.
-- Reply: written | overdue | finished | unknown
local held = redis.call('HMGET', KEYS[1], 'state', 'holder', 'starts', 'sends', 'deferred_at', 'accepted_at')
if not held[1] then return 'unknown' end
if held[1] ~= 'STARTED' or held[2] ~= ARGV[2] then return 'finished' end
"""
    + _NOW
    + """
local since = math.min(now, tonumber(held[5] or now))
if now - since >= tonumber(ARGV[3]) then return 'overdue' end
redis.call('HSET', KEYS[1], 'state', 'RETRY', 'starts', math.max(0, tonumber(held[3]) - 1),
  'sends', math.max(1, tonumber(held[4]) - 1), 'sent_at', now, 'deferred_at', since)
redis.call('HDEL', KEYS[1], 'holder', 'missing_at')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZADD', KEYS[4], held[6], ARGV[1])
return 'written'
"""
)

PARK: Final = (
    """#!lua flags=allow-oom
-- KEYS: record, intake:open, intake:dead, Celery result (also the channel), intake:held, intake:resent
-- ARGV: task id, the delivery's own name, reason, what else an operator may know, Celery result
-- Make it a dead letter; the sealed request stays. Only the delivery that holds the task can: one that was frozen
-- meanwhile would undo what an operator, or a later delivery, has done. Reply: written | finished | unknown
local held = redis.call('HMGET', KEYS[1], 'state', 'holder', 'waiter')
if not held[1] then return 'unknown' end
if held[2] ~= ARGV[2] then return 'finished' end
-- The same call again: the answer to the first one was lost on the way.
if held[1] == 'FAILURE' then return 'written' end
if held[1] ~= 'STARTED' then return 'finished' end
"""
    + _NOW
    + """
redis.call('HSET', KEYS[1], 'state', 'FAILURE', 'reason', ARGV[3], 'finished_at', now)
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'detail', ARGV[4]) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('SET', KEYS[4], ARGV[5])
redis.call('PUBLISH', KEYS[4], ARGV[5])
if held[3] then redis.call('PUBLISH', held[3], ARGV[1] .. ' ' .. ARGV[5]) end
return 'written'
"""
)

LEASE_SWEEPER: Final = """#!lua flags=allow-oom
-- KEYS: intake:sweeper
-- ARGV: holder, milliseconds
-- Reply: 1 where nobody has it, else nil
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
-- Redis keeps the moment at which a key ends: a clock that was set back since would keep every worker from sweeping.
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return nil
"""

SWEEP: Final = (
    """#!lua flags=allow-oom
-- KEYS: intake:open, queue, intake:held, intake:resent, intake:sweeper, intake:sweeper:place
-- ARGV: prefix of a record's key, holder of the sweeper's lease, that lease in milliseconds, most tasks to look at,
--       grace in milliseconds, longest gap between two sends in milliseconds, Celery message,
--       placeholder of the task id in it, milliseconds for which a task that nobody ever started on must have been
--       missed, longest lease of a task in milliseconds
-- Sends again what is open and neither in the queue nor with a worker. One call of a sweep, which goes on where the
-- last call stopped, whoever made that one. What waits in the queue is not looked at, however much it is.
-- Reply: {1 at the sweep's end | 0 where it goes on | -1 where another worker sweeps, tasks looked at, ids sent again…}
if redis.call('GET', KEYS[5]) ~= ARGV[2] then return {-1, 0} end
redis.call('PEXPIRE', KEYS[5], ARGV[3])
"""
    + _NOW
    + _ID_IN
    + _LEASE_END
    + """
local most = tonumber(ARGV[4])
-- Sent in the future: the clock was set back since. What was lost of these would be missed once it has caught up.
local ahead = redis.call('ZRANGE', KEYS[1], '(' .. now, '+inf', 'BYSCORE', 'LIMIT', 0, most)
for _, id in ipairs(ahead) do
  if redis.call('EXISTS', ARGV[1] .. id) == 1 then
    redis.call('HSET', ARGV[1] .. id, 'sent_at', now)
    redis.call('ZADD', KEYS[1], now, id)
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
if #ahead > 0 then return {0, #ahead} end

local place = redis.call('HMGET', KEYS[6], 'score', 'skip')
local function ended(reply)
  if place[1] then redis.call('DEL', KEYS[6]) end
  -- The first of these are read as the oldest; the last release did not remove them.
  for _, id in ipairs(redis.call('ZRANGE', KEYS[4], 0, 9)) do
    if not redis.call('ZSCORE', KEYS[1], id) then redis.call('ZREM', KEYS[4], id) end
  end
  return reply
end

local grace = tonumber(ARGV[5])
local before = now - grace
local head = redis.call('LINDEX', KEYS[2], -1)
if head then
  -- The queue keeps the order of sending: what was sent before its head and is not with a worker is gone.
  local sent_at = redis.call('HGET', ARGV[1] .. (id_in(head) or ''), 'sent_at')
  -- A head whose task is gone tells nothing; the one after it will, as soon as it stands there.
  if not sent_at then return ended({1, 0}) end
  before = math.min(before, tonumber(sent_at) - 1)
end

-- The place is the last score that was looked at, and how many tasks of that score are behind it.
local score, skip = place[1] or '-inf', tonumber(place[2] or 0)
local due = redis.call('ZRANGE', KEYS[1], score, before, 'BYSCORE', 'LIMIT', skip, most, 'WITHSCORES')
local reply = {1, #due / 2}
for at = 1, #due, 2 do
  local id, record = due[at], ARGV[1] .. due[at]
  if due[at + 1] ~= score then score, skip = due[at + 1], 0 end
  local held = redis.call('HMGET', record, 'sent_at', 'sends', 'missing_at', 'accepted_at')
  local sent_at = tonumber(held[1])
  if not sent_at then
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[4], id)
  elseif sent_at > before then
    -- Sent anew by a step that left the index alone: each of the last release did.
    if sent_at > now then redis.call('HSET', record, 'sent_at', now) end
    redis.call('ZADD', KEYS[1], math.min(sent_at, now), id)
    redis.call('ZADD', KEYS[4], held[4] or sent_at, id)
  else
    local sends = tonumber(held[2])
    local missing_at = tonumber(held[3])
    local lease = lease_end(KEYS[3], id, tonumber(ARGV[10]))
    local gap = math.min(tonumber(ARGV[6]), grace * 2 ^ (sends - 1))
    local is_due = now - sent_at >= gap and (lease or 0) <= now
    if is_due and (lease or (missing_at and missing_at <= now and now - missing_at >= tonumber(ARGV[9]))) then
      redis.call('ZREM', KEYS[3], id)
      redis.call('HSET', record, 'sent_at', now, 'sends', sends + 1, 'state', 'RETRY')
      redis.call('HDEL', record, 'missing_at')
      redis.call('ZADD', KEYS[1], now, id)
      redis.call('ZADD', KEYS[4], held[4] or sent_at, id)
      redis.call('LPUSH', KEYS[2], (string.gsub(ARGV[7], ARGV[8], id)))
      reply[#reply + 1] = id
    else
      skip = skip + 1
      -- It may be on its way to a worker this very moment: the next sweep tells.
      if is_due and (not missing_at or missing_at > now) then redis.call('HSET', record, 'missing_at', now) end
    end
  end
end
if #due / 2 < most then return ended(reply) end
redis.call('HSET', KEYS[6], 'score', score, 'skip', skip)
reply[1] = 0
return reply
"""
)

REQUEUE: Final = (
    """#!lua
-- KEYS: record, intake:open, intake:dead, queue, Celery result, intake:resent
-- ARGV: task id, Celery message
-- An operator's second chance for a dead letter, its starts forgotten. Reply: written | finished | unknown
local held = redis.call('HMGET', KEYS[1], 'state', 'accepted_at', 'sends')
if not held[1] then return 'unknown' end
if held[1] ~= 'FAILURE' then return 'finished' end
"""
    + _NOW
    + """
redis.call('HDEL', KEYS[1], 'reason', 'detail', 'finished_at', 'holder', 'deferred_at')
redis.call('HSET', KEYS[1], 'state', 'PENDING', 'starts', 0, 'sent_at', now, 'sends', held[3] + 1)
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZADD', KEYS[6], held[2], ARGV[1])
redis.call('DEL', KEYS[5])
redis.call('LPUSH', KEYS[4], ARGV[2])
return 'written'
"""
)

DROP: Final = """#!lua flags=allow-oom
-- KEYS: record, intake:dead, Celery result
-- ARGV: task id
-- Forget a dead letter and its request for good. Reply: written | finished | unknown
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'unknown' end
if state ~= 'FAILURE' then return 'finished' end
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('ZREM', KEYS[2], ARGV[1])
return 'written'
"""
