#!lua flags=allow-oom
-- A worker that cannot read the request leaves the task to others: open, and neither queued nor held, so that the
-- sweeper sends it again once the grace time is over. Neither this start nor the send that led to it counts.
-- Reply: written | overdue | finished | unknown
local record_key = KEYS[1]
local leases = KEYS[2]
local open_tasks = KEYS[3]
local resent = KEYS[4]
local task_id = ARGV[1]
local delivery = ARGV[2]
-- For how long a task may be left to others, in milliseconds.
local patience = tonumber(ARGV[3])

local record = redis.call('HMGET', record_key, 'state', 'holder', 'starts', 'sends', 'deferred_at', 'accepted_at')
local state, holder, starts, sends = record[1], record[2], tonumber(record[3]), tonumber(record[4])
local deferred_at, accepted_at = record[5], record[6]
if not state then return 'unknown' end
if state ~= 'STARTED' or holder ~= delivery then return 'finished' end
--- @include "now"
local since = math.min(now, tonumber(deferred_at or now))
if now - since >= patience then return 'overdue' end
redis.call('HSET', record_key, 'state', 'RETRY', 'starts', math.max(0, starts - 1),
  'sends', math.max(1, sends - 1), 'sent_at', now, 'deferred_at', since)
redis.call('HDEL', record_key, 'holder', 'missing_at')
redis.call('ZREM', leases, task_id)
redis.call('ZADD', open_tasks, now, task_id)
redis.call('ZADD', resent, accepted_at, task_id)
return 'written'
