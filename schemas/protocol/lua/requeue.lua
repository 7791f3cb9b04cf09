#!lua
-- Gives a dead letter a second chance: on the queue again, its starts forgotten.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local open_tasks = KEYS[2]
local dead_letters = KEYS[3]
local queue = KEYS[4]
local result_key = KEYS[5]
local resent = KEYS[6]
local task_id = ARGV[1]
local message = ARGV[2]

local record = redis.call('HMGET', record_key, 'state', 'accepted_at', 'sends')
local state, accepted_at, sends = record[1], record[2], record[3]
if not state then return 'unknown' end
if state ~= 'FAILURE' then return 'finished' end
--- @include "now"
--- @include "count_overall"
count_overall('signups:requeued', 1)
redis.call('HDEL', record_key, 'reason', 'detail', 'finished_at', 'holder', 'deferred_at')
redis.call('HSET', record_key, 'state', 'PENDING', 'starts', 0, 'sent_at', now, 'sends', sends + 1)
redis.call('ZREM', dead_letters, task_id)
redis.call('ZADD', open_tasks, now, task_id)
redis.call('ZADD', resent, accepted_at, task_id)
redis.call('DEL', result_key)
redis.call('LPUSH', queue, message)
return 'written'
