#!lua flags=allow-oom
-- Puts a task that the delivery has started back at the queue's head, and takes the start back: its worker cannot use a
-- dependency, or stops while one is away.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local leases = KEYS[2]
local queue = KEYS[3]
local task_id = ARGV[1]
local delivery = ARGV[2]
local message = ARGV[3]
local record_prefix = ARGV[4]

--- @include "before_head"
local record = redis.call('HMGET', record_key, 'state', 'starts', 'holder', 'sent_at')
local state, starts, holder, sent_at = record[1], tonumber(record[2]), record[3], tonumber(record[4])
if not state then return 'unknown' end
if state ~= 'STARTED' or holder ~= delivery then return 'finished' end
redis.call('HSET', record_key, 'state', 'RETRY', 'starts', math.max(0, starts - 1),
  'sent_at', before_head(queue, record_prefix, sent_at))
-- No worker reads any request while a dependency is away, so the wait for a worker that can read this one (see DEFER)
-- begins anew.
redis.call('HDEL', record_key, 'holder', 'missing_at', 'deferred_at')
redis.call('ZREM', leases, task_id)
redis.call('RPUSH', queue, message)
return 'written'
