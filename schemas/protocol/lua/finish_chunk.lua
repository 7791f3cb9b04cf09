#!lua flags=allow-oom
-- Writes the outcomes of a chunk's rows, or of a part's, and moves the counts of the batches that list it. Rows that
-- MongoDB refuses become dead letters of their own.
-- Reply: written | finished | unknown
local record_key = KEYS[1]
local chunk_key = KEYS[2]
local task_id = ARGV[1]
local chunk_id = ARGV[2]
local results = ARGV[3]
-- How many rows are dead letters.
local refused = tonumber(ARGV[4])
-- How many rows have an event of their own.
local told = tonumber(ARGV[5])
-- Then for each of the dead letters its place, the id of its part, a reason and a detail; for each row with an event its
-- place, a type and data; for each outcome its name and its number of rows.
--- @tail rest
local record = redis.call('HMGET', record_key, 'state', 'first', 'last', 'rows')
local state = record[1]
if not state then return 'unknown' end
if state == 'SUCCESS' or state == 'SPLIT' or state == 'FAILURE' then return 'finished' end
--- @include "append_rows"
--- @include "count_rows"
--- @include "end_range"
--- @include "form"
local first, last = tonumber(record[2] or 0), tonumber(record[3] or record[4])
redis.call('HSET', chunk_key, 'results:' .. first .. ':' .. last, results)
local next_at = 6
for at = next_at, next_at + 4 * refused - 1, 4 do
  local place, part_id, reason, detail = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local chunk = redis.call('HMGET', chunk_key, 'caller', 'accepted_at', 'traceparent')
  redis.call('HSET', record_of(part_id), 'form', form, 'root', chunk_id, 'first', place, 'last', place + 1,
    'rows', 1, 'caller', chunk[1], 'state', 'FAILURE', 'accepted_at', chunk[2], 'finished_at', now, 'sent_at', now, 'sends', 1,
    'starts', 1, 'reason', reason)
  if detail ~= '' then redis.call('HSET', record_of(part_id), 'detail', detail) end
  if chunk[3] then redis.call('HSET', record_of(part_id), 'traceparent', chunk[3]) end
  redis.call('ZADD', dead_letters, now, part_id)
  append_parked_rows(chunk_key, part_id, record_of(part_id), 1)
  redis.call('HINCRBY', chunk_key, 'parked_parts', 1)
end
if refused > 0 then count_overall('chunks:dead', refused) end
next_at = next_at + 4 * refused
-- Before the event of the batch, which may end with these rows.
local rows = {}
for at = next_at, next_at + 3 * told - 1 do rows[#rows + 1] = ARGV[at] end
if told > 0 then append_rows(chunk_id, chunk_key, rows) end
next_at = next_at + 3 * told
local counts = {}
for at = next_at, #ARGV, 2 do counts[ARGV[at]] = tonumber(ARGV[at + 1]) end
count_rows(chunk_key, counts, 1)
leave_indexes(task_id)
end_range(chunk_key)
if record_key ~= chunk_key then
  release_followers(record_key)
  redis.call('DEL', record_key)
end
return 'written'
