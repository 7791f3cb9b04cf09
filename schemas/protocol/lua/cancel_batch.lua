#!lua flags=allow-oom
-- Cancels a batch: its upload takes no more chunks, and rows that nobody has started on get the outcome `canceled`. One
-- call looks at some of the chunks.
-- Reply: {1 at the end, 0 where the next call goes on; 1 where this call canceled it, 0 where it was canceled or had
--         ended before} | nil where there is no such batch
local batch_key = KEYS[1]
local batch_id = ARGV[1]
-- Most chunks to look at.
local most = tonumber(ARGV[2])

--- @include "cancel_chunk"
local batch = redis.call('HMGET', batch_key, 'canceled', 'finished_at', 'cancel_place')
if not batch[1] then return nil end
local changed = batch[1] == '0' and not batch[2] and 1 or 0
if batch[1] == '0' then
  -- There is nothing left to cancel.
  if batch[2] then return {1, changed} end
  redis.call('HSET', batch_key, 'canceled', 1, 'upload_ended', 1)
end
local place = tonumber(batch[3] or 0)
local page = redis.call('ZRANGE', chunks_of(batch_id), place, place + most - 1)
for _, listing in ipairs(page) do
  local chunk_id = string.match(listing, '^%l (%w+)')
  local chunk = redis.call('HMGET', record_of(chunk_id), 'state', 'starts', 'rows', 'batches')
  local waits = chunk[1] == 'PENDING' or chunk[1] == 'WAITING' or chunk[1] == 'RETRY'
  if waits and tonumber(chunk[2]) == 0 and is_canceled(chunk[4]) then cancel_chunk(chunk_id, chunk[3]) end
end
redis.call('HSET', batch_key, 'cancel_place', place + #page)
if #page == most then return {0, changed} end
redis.call('ZADD', batches, now, batch_id)
end_batch_if_done(batch_id)
redis.call('PUBLISH', news_of(batch_id), '1')
return {1, changed}
