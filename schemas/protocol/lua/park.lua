#!lua flags=allow-oom
-- Makes the task a dead letter; its sealed request stays. Only the delivery that holds the task can: a worker that was
-- frozen meanwhile would undo what an operator, or a later delivery, has done.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local open_tasks = KEYS[2]
local dead_letters = KEYS[3]
-- Also the channel on which Celery clients are told.
local result_key = KEYS[4]
local leases = KEYS[5]
local resent = KEYS[6]
local task_id = ARGV[1]
local delivery = ARGV[2]
local reason = ARGV[3]
-- What else an operator may know; '' for nothing.
local detail = ARGV[4]
local result = ARGV[5]

local record = redis.call('HMGET', record_key, 'state', 'holder', 'waiter', 'caller', 'traceparent')
local state, holder, waiter, caller, traceparent = record[1], record[2], record[3], record[4], record[5]
if not state then return 'unknown' end
if holder ~= delivery then return 'finished' end
-- The same call again: the answer to the first one was lost on the way.
if state == 'FAILURE' then return 'written' end
if state ~= 'STARTED' then return 'finished' end
--- @include "append_event"
--- @include "count_overall"
count_overall('signups:parked', 1)
redis.call('HSET', record_key, 'state', 'FAILURE', 'reason', reason, 'finished_at', now)
if detail ~= '' then redis.call('HSET', record_key, 'detail', detail) end
redis.call('ZREM', open_tasks, task_id)
redis.call('ZADD', dead_letters, now, task_id)
redis.call('ZREM', leases, task_id)
redis.call('ZREM', resent, task_id)
redis.call('SET', result_key, result)
append_parked(task_id, record_key, caller, traceparent, '')
redis.call('PUBLISH', result_key, result)
if waiter then redis.call('PUBLISH', waiter, task_id .. ' ' .. result) end
return 'written'
