#!lua
-- Promises an outcome: writes the record, the task's place among the open ones and its message, or nothing at all.
-- Reply: {accepted | known, state} | {reused} | {late} | {queue_full} | {rate_limited, milliseconds to wait}
local record_key = KEYS[1]
local open_tasks = KEYS[2]
local queue = KEYS[3]
local rate_key = KEYS[4]
local task_id = ARGV[1]
local fingerprint = ARGV[2]
local sealed = ARGV[3]
local caller = ARGV[4]
local message = ARGV[5]
-- Most tasks that may be open; 0 for no limit.
local most_open = tonumber(ARGV[6])
-- Milliseconds that a request costs its caller; 0 for no limit.
local cost = tonumber(ARGV[7])
-- Milliseconds that a caller may owe.
local burst = tonumber(ARGV[8])
-- The channel that is told of the outcome besides the task's own; '' for none.
local waiter = ARGV[9]
-- Where the request's trace goes on; '' where it has none.
local traceparent = ARGV[10]
-- Unix milliseconds from which on nothing is accepted; 0 for no deadline.
local latest = tonumber(ARGV[11])

local record = redis.call('HMGET', record_key, 'fingerprint', 'state')
if record[1] then
  if record[1] == fingerprint then
    -- Where replicas have to confirm, they confirm what this connection wrote. So a repeat writes what is there already:
    -- otherwise it would be confirmed although the replicas may lack the record.
    redis.call('HSET', record_key, 'state', record[2])
    return {'known', record[2]}
  end
  return {'reused'}
end
--- @include "now"
--- @include "rate"
--- @include "form"
--- @include "count_overall"
-- The client has been answered by then that nothing was accepted. A repeat of an accepted request was found above: that
-- one was accepted in time.
if latest > 0 and now >= latest then return {'late'} end
if most_open > 0 and redis.call('ZCARD', open_tasks) >= most_open then return {'queue_full'} end
local wait = over_rate(rate_key, cost, burst)
if wait then return {'rate_limited', wait} end
-- A user of Redis without the right to count is refused here, before anything is written.
count_overall('signups:accepted', 1)
redis.call('HSET', record_key, 'form', form, 'fingerprint', fingerprint, 'sealed', sealed, 'caller', caller,
  'state', 'PENDING', 'accepted_at', now, 'sent_at', now, 'sends', 1, 'starts', 0)
if waiter ~= '' then redis.call('HSET', record_key, 'waiter', waiter) end
if traceparent ~= '' then redis.call('HSET', record_key, 'traceparent', traceparent) end
redis.call('ZADD', open_tasks, now, task_id)
redis.call('LPUSH', queue, message)
return {'accepted', 'PENDING'}
