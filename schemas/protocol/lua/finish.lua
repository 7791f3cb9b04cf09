#!lua flags=allow-oom
-- Writes the task's outcome, its event, and tells whoever waits for it. The first outcome stays.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local open_tasks = KEYS[2]
local dead_letters = KEYS[3]
-- Also the channel on which Celery clients are told.
local result_key = KEYS[4]
local leases = KEYS[5]
local resent = KEYS[6]
local task_id = ARGV[1]
local result = ARGV[2]
local lifetime_milliseconds = ARGV[3]
local event_type = ARGV[4]
local event_data = ARGV[5]
-- `created` or an error's code, for the counts.
local outcome = ARGV[6]

local record = redis.call('HMGET', record_key, 'state', 'waiter', 'caller', 'traceparent')
local state, waiter, caller, traceparent = record[1], record[2], record[3], record[4]
if not state then return 'unknown' end
if state == 'SUCCESS' then return 'finished' end
--- @include "append_event"
--- @include "count_overall"
-- See ACCEPT for why this comes first.
count_overall('signups:finished:' .. outcome, 1)
redis.call('HDEL', record_key, 'sealed', 'reason', 'detail', 'holder', 'waiter', 'deferred_at')
redis.call('HSET', record_key, 'state', 'SUCCESS', 'finished_at', now)
redis.call('PEXPIRE', record_key, lifetime_milliseconds)
redis.call('ZREM', open_tasks, task_id)
redis.call('ZREM', dead_letters, task_id)
redis.call('ZREM', leases, task_id)
redis.call('ZREM', resent, task_id)
redis.call('SET', result_key, result, 'PX', lifetime_milliseconds)
append_event(task_id, event_type, caller, traceparent, event_data)
redis.call('PUBLISH', result_key, result)
if waiter then redis.call('PUBLISH', waiter, task_id .. ' ' .. result) end
return 'written'
