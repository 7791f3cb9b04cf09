#!lua flags=no-writes
-- Reply: {caller, state, Celery result, accepted_at, how many open tasks were sent before it}, each nil where there is
--        none
local record_key = KEYS[1]
local result_key = KEYS[2]
local open_tasks = KEYS[3]
local task_id = ARGV[1]

local record = redis.call('HMGET', record_key, 'caller', 'state', 'rows', 'accepted_at')
local state = record[2]
-- A chunk of a batch. It is read with its batch.
if record[3] then return {false, false, false, false, false} end
local ended = not state or state == 'SUCCESS' or state == 'FAILURE'
local before = not ended and redis.call('ZRANK', open_tasks, task_id)
return {record[1], state, redis.call('GET', result_key), tonumber(record[4]) or false, before}
