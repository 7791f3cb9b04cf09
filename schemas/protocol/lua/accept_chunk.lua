#!lua
-- Promises an outcome to each row of a chunk, and appends the chunk to its batch; or does nothing at all.
-- Reply: {accepted | known} | {worked_before, generation} | {late} | {rows_full} | {too_large}
--        | {ended, '1' where the batch was canceled, else '0'}
local record_key = KEYS[1]
-- The record of the chunk's first generation.
local first_key = KEYS[2]
local batch_key = KEYS[3]
local chunk_id = ARGV[1]
local generation = tonumber(ARGV[2])
local batch_id = ARGV[3]
local caller = ARGV[4]
local sealed = ARGV[5]
local rows = tonumber(ARGV[6])
-- The number of the line of the first row.
local first_line = ARGV[7]
-- The numbers of the lines of all rows, as runs.
local lines = ARGV[8]
local message = ARGV[9]
-- Most rows of all callers that may be open; 0 for no limit.
local most_open_rows = tonumber(ARGV[10])
-- Most rows of a batch; 0 for no limit.
local most_batch_rows = tonumber(ARGV[11])
local upload_milliseconds = ARGV[12]
-- Where the trace of the upload goes on; '' where it has none.
local traceparent = ARGV[13]
local latest = tonumber(ARGV[14])

--- @include "now"
--- @include "batch_names"
--- @include "count_rows"
--- @include "form"
local batch = redis.call('HMGET', batch_key, 'upload_ended', 'canceled', 'rows', 'ordered', 'tail')
if not batch[1] then return {'ended', '0'} end
local chunks = chunks_of(batch_id)
local listing = ' ' .. chunk_id .. ' ' .. lines
-- A repeat of this very call: the answer to the first one was lost on the way.
local again = redis.call('ZSCORE', chunks, 'o' .. listing) and 'accepted'
  or redis.call('ZSCORE', chunks, 'k' .. listing) and 'known'
if again then
  -- A repeat writes, as in ACCEPT: replicas confirm only what this connection wrote.
  redis.call('HSET', batch_key, 'rows', batch[3])
  return {again}
end
if batch[1] == '1' then return {'ended', batch[2]} end
-- The client may have been told by then that this chunk was not accepted.
if latest > 0 and now >= latest then return {'late'} end
if most_batch_rows > 0 and batch[3] + rows > most_batch_rows then return {'too_large'} end

local known = redis.call('HMGET', record_key, 'state', 'failed')
if known[1] == 'SUCCESS' and tonumber(known[2] or 0) > 0 then
  -- Rows that failed may come to a better end now. The chunk of the next generation has a record of its own, so that the
  -- batches which list this one keep their results.
  local newest = tonumber(redis.call('HGET', first_key, 'generation') or 0)
  return {'worked_before', math.max(newest, generation + 1)}
end
local how = known[1] and 'k' or 'o'
if not known[1] then
  if most_open_rows > 0 and (tonumber(redis.call('GET', open_rows) or 0)) + rows > most_open_rows then
    return {'rows_full'}
  end
  redis.call('HSET', record_key, 'form', form, 'sealed', sealed, 'caller', caller, 'state', 'PENDING',
    'accepted_at', now, 'sent_at', now, 'sends', 1, 'starts', 0, 'rows', rows, 'batches', 'o' .. batch_id,
    'lines', lines, 'listed', 1, 'open_parts', 1)
  if traceparent ~= '' then redis.call('HSET', record_key, 'traceparent', traceparent) end
  if generation > 0 and redis.call('EXISTS', first_key) == 1 then
    redis.call('HSET', first_key, 'generation', generation)
  end
  redis.call('INCRBY', open_rows, rows)
  count_overall('rows:accepted', rows)
  count_overall('chunks:open', 1)
  local before = false
  if batch[4] == '1' then
    redis.call('HSET', record_key, 'ordered', 1)
    local state = batch[5] and redis.call('HGET', record_of(batch[5]), 'state')
    before = state and state ~= 'SUCCESS' and state ~= 'FAILURE'
  end
  if before then
    local tail_key = record_of(batch[5])
    redis.call('HSET', tail_key, 'followers', (redis.call('HGET', tail_key, 'followers') or '') .. ' ' .. chunk_id)
    redis.call('HSET', record_key, 'state', 'WAITING', 'message', message)
    redis.call('ZADD', chunks_waiting, now, chunk_id)
  else
    redis.call('ZADD', chunks_open, now, chunk_id)
    redis.call('LPUSH', chunks_queue, message)
  end
else
  redis.call('HSET', record_key, 'batches', redis.call('HGET', record_key, 'batches') .. ' k' .. batch_id)
  redis.call('HINCRBY', record_key, 'listed', 1)
  redis.call('HDEL', record_key, 'expires_at')
  redis.call('PERSIST', record_key)
end
redis.call('ZADD', chunks, first_line, how .. listing)
redis.call('HSET', batch_key, 'rows', batch[3] + rows, 'tail', chunk_id)
redis.call('ZADD', batches, now + upload_milliseconds, batch_id)
if how == 'o' then return {'accepted'} end
-- Rows of the chunk that have their outcomes already.
local counts = {}
for _, field in ipairs(redis.call('HKEYS', record_key)) do
  local outcome = string.match(field, '^count:(.+)$')
  local count = outcome and tonumber(redis.call('HGET', record_key, field))
  if count and count > 0 then counts[outcome] = count end
end
if next(counts) then count_in_batch(batch_id, 'k', counts, 1) end
return {'known'}
