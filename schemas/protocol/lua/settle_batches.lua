#!lua flags=allow-oom
-- Looks after one batch that is due: ends an upload that has shown no sign of life, and has a batch that has ended, with
-- its chunks, expire when its results need to be kept no longer. One call looks at some of the chunks.
-- Reply: 1 where another call may find more to do, else 0
local batches_due = KEYS[1]
-- Most chunks to look at.
local most = tonumber(ARGV[1])
local lifetime_milliseconds = tonumber(ARGV[2])

--- @include "end_batch"
local batch_id = redis.call('ZRANGE', batches_due, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1)[1]
if not batch_id then return 0 end
local batch_key = batch_of(batch_id)
local batch = redis.call('HMGET', batch_key, 'upload_ended', 'finished_at', 'settle_place', 'caller', 'expires_at')
if not batch[1] then
  redis.call('ZREM', batches_due, batch_id)
  return 1
end
if not batch[2] then
  redis.call('HSET', batch_key, 'upload_ended', 1)
  -- FINISH brings the batch forward when it has ended.
  redis.call('ZADD', batches_due, now + lifetime_milliseconds, batch_id)
  end_batch_if_done(batch_id)
  return 1
end
local expires_at = tonumber(batch[5] or math.max(now, tonumber(batch[2])) + lifetime_milliseconds)
local chunks = chunks_of(batch_id)
local place = tonumber(batch[3] or 0)
local page = redis.call('ZRANGE', chunks, place, place + most - 1)
for _, listing in ipairs(page) do
  local chunk_key = record_of(string.match(listing, '^%l (%w+)'))
  if redis.call('EXISTS', chunk_key) == 1 and redis.call('HINCRBY', chunk_key, 'listed', -1) <= 0 then
    local chunk = redis.call('HMGET', chunk_key, 'open_parts', 'parked_parts')
    if tonumber(chunk[1] or 0) > 0 or tonumber(chunk[2] or 0) > 0 then
      -- A dead letter needs the request. The chunk expires when an operator has dealt with it.
      redis.call('HSET', chunk_key, 'expires_at', expires_at)
    else
      redis.call('PEXPIREAT', chunk_key, expires_at)
    end
  end
end
redis.call('HSET', batch_key, 'settle_place', place + #page, 'expires_at', expires_at)
if #page == most then return 1 end
redis.call('PEXPIREAT', batch_key, expires_at)
redis.call('PEXPIREAT', chunks, expires_at)
redis.call('ZREM', batches_due, batch_id)
-- The list of the caller's batches is kept for as long as the last of them. OPEN_BATCH keeps it from expiring.
if redis.call('SCARD', open_batches_of(batch[4])) == 0 then redis.call('PEXPIREAT', batches_of(batch[4]), expires_at) end
return 1
