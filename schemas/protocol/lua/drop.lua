#!lua flags=allow-oom
-- Forgets a dead letter and its request for good.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local dead_letters = KEYS[2]
local result_key = KEYS[3]
local task_id = ARGV[1]

local state = redis.call('HGET', record_key, 'state')
if not state then return 'unknown' end
if state ~= 'FAILURE' then return 'finished' end
--- @include "count_overall"
redis.call('DEL', record_key, result_key)
redis.call('ZREM', dead_letters, task_id)
count_overall('signups:dropped', 1)
return 'written'
