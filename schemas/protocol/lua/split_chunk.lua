#!lua flags=allow-oom
-- Halves a chunk, or a part of one, that was started twice without an outcome: each half is a task of its own.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local chunk_key = KEYS[2]
local task_id = ARGV[1]
local delivery = ARGV[2]
local chunk_id = ARGV[3]
-- The place of the right half's first row.
local middle = tonumber(ARGV[4])
local left_id = ARGV[5]
local left_message = ARGV[6]
local right_id = ARGV[7]
local right_message = ARGV[8]

--- @include "end_range"
--- @include "form"
local record = redis.call('HMGET', record_key, 'state', 'holder', 'first', 'last', 'rows', 'followers')
if not record[1] then return 'unknown' end
if record[1] ~= 'STARTED' or record[2] ~= delivery then return 'finished' end
local first, last = tonumber(record[3] or 0), tonumber(record[4] or record[5])
local chunk = redis.call('HMGET', chunk_key, 'ordered', 'caller', 'accepted_at', 'traceparent')
local ordered = chunk[1] == '1'
local function add(part_id, part_first, part_last)
  local part_key = record_of(part_id)
  -- One start is taken over: the next one without an outcome halves the part again.
  redis.call('HSET', part_key, 'form', form, 'root', chunk_id, 'first', part_first, 'last', part_last,
    'rows', part_last - part_first, 'caller', chunk[2], 'state', 'PENDING', 'accepted_at', chunk[3], 'sent_at', now, 'sends', 1, 'starts', 1)
  if chunk[4] then redis.call('HSET', part_key, 'traceparent', chunk[4]) end
  return part_key
end
local left_key, right_key = add(left_id, first, middle), add(right_id, middle, last)
redis.call('ZADD', chunks_open, now, left_id)
redis.call('LPUSH', chunks_queue, left_message)
if ordered then
  redis.call('HSET', left_key, 'followers', right_id)
  redis.call('HSET', right_key, 'state', 'WAITING', 'message', right_message)
  redis.call('ZADD', chunks_waiting, now, right_id)
else
  redis.call('ZADD', chunks_open, now, right_id)
  redis.call('LPUSH', chunks_queue, right_message)
end
leave_indexes(task_id)
count_overall('chunks:open', 2)
redis.call('HINCRBY', chunk_key, 'open_parts', 1)
if record_key == chunk_key then
  redis.call('HSET', record_key, 'state', 'SPLIT')
  redis.call('HDEL', record_key, 'holder')
else
  if record[6] then redis.call('HSET', right_key, 'followers', record[6]) end
  redis.call('DEL', record_key)
end
return 'written'
