#!lua flags=allow-oom
-- Makes a dead letter of a chunk, or of a part of one. Its rows get the outcome `internal_error` until an operator sends
-- them again. Only the delivery that started the task may do so.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local chunk_key = KEYS[2]
local task_id = ARGV[1]
local delivery = ARGV[2]
local reason = ARGV[3]
-- What else an operator may know; '' for nothing.
local detail = ARGV[4]

--- @include "append_event"
--- @include "count_rows"
--- @include "end_range"
local record = redis.call('HMGET', record_key, 'state', 'holder', 'first', 'last', 'rows')
local state = record[1]
if not state then return 'unknown' end
if record[2] ~= delivery then return 'finished' end
-- The same call again: the answer to the first one was lost on the way.
if state == 'FAILURE' then return 'written' end
if state ~= 'STARTED' then return 'finished' end
local first, last = tonumber(record[3] or 0), tonumber(record[4] or record[5])
redis.call('HSET', chunk_key, 'results:' .. first .. ':' .. last, 'P')
redis.call('HINCRBY', chunk_key, 'parked_parts', 1)
leave_indexes(task_id)
-- Before the event of the batch, which may end with these rows.
append_parked_rows(chunk_key, task_id, record_key, last - first)
count_rows(chunk_key, {internal_error = last - first}, 1)
end_range(chunk_key)
redis.call('HSET', record_key, 'state', 'FAILURE', 'holder', delivery, 'reason', reason, 'finished_at', now)
if detail ~= '' then redis.call('HSET', record_key, 'detail', detail) end
redis.call('ZADD', dead_letters, now, task_id)
count_overall('chunks:dead', 1)
if record_key ~= chunk_key then release_followers(record_key) end
return 'written'
