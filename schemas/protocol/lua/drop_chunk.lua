#!lua flags=allow-oom
-- Forgets a dead letter of a batch and its request for good. Its rows keep the outcome `internal_error`.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local task_id = ARGV[1]

--- @include "end_range"
local record = redis.call('HMGET', record_key, 'state', 'root', 'rows')
if not record[1] then return 'unknown' end
if record[1] ~= 'FAILURE' then return 'finished' end
local chunk_key = record[2] and record_of(record[2]) or record_key
redis.call('HINCRBY', chunk_key, 'parked_parts', -1)
redis.call('ZREM', dead_letters, task_id)
count_overall('chunks:dead', -1)
count_overall('rows:dead', -record[3])
count_overall('rows:dropped', record[3])
if record[2] then
  redis.call('DEL', record_key)
else
  redis.call('HSET', record_key, 'state', 'SUCCESS')
  redis.call('HDEL', record_key, 'reason', 'detail', 'holder')
end
forget_request(chunk_key)
return 'written'
