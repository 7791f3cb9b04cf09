#!lua
-- Gives a dead letter of a batch a second chance: on the queue again, its starts forgotten. Its rows have no outcome
-- again.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local task_id = ARGV[1]
local message = ARGV[2]

--- @include "count_rows"
local record = redis.call('HMGET', record_key, 'state', 'root', 'first', 'last', 'rows', 'accepted_at', 'sends')
if not record[1] then return 'unknown' end
if record[1] ~= 'FAILURE' then return 'finished' end
local chunk_key = record[2] and record_of(record[2]) or record_key
local first, last = tonumber(record[3] or 0), tonumber(record[4] or record[5])
redis.call('HDEL', record_key, 'reason', 'detail', 'finished_at', 'holder', 'deferred_at')
redis.call('HSET', record_key, 'state', 'PENDING', 'starts', 0, 'sent_at', now, 'sends', record[7] + 1)
redis.call('HSET', chunk_key, 'results:' .. first .. ':' .. last, 'W')
redis.call('HINCRBY', chunk_key, 'parked_parts', -1)
redis.call('HINCRBY', chunk_key, 'open_parts', 1)
if record[2] then redis.call('HSET', chunk_key, 'state', 'SPLIT') end
redis.call('ZREM', dead_letters, task_id)
redis.call('ZADD', chunks_open, now, task_id)
redis.call('ZADD', chunks_resent, record[6], task_id)
redis.call('LPUSH', chunks_queue, message)
count_rows(chunk_key, {internal_error = last - first}, -1)
count_overall('chunks:open', 1)
count_overall('chunks:dead', -1)
return 'written'
