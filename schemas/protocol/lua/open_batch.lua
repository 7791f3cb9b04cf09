#!lua
-- Begins a batch, to which the upload then appends its chunks.
-- Reply: {opened} | {late} | {too_many} | {rate_limited, milliseconds to wait}
local batch_key = KEYS[1]
local rate_key = KEYS[2]
local batch_id = ARGV[1]
local caller = ARGV[2]
local name = ARGV[3]
local mode = ARGV[4]
-- '1' where a chunk is to start when the one before it has ended, else '0'.
local ordered = ARGV[5]
-- Most batches of one caller that may be open; 0 for no limit.
local most_open = tonumber(ARGV[6])
local cost = tonumber(ARGV[7])
local burst = tonumber(ARGV[8])
-- For how long the upload counts as running after its last sign of life, in milliseconds.
local upload_milliseconds = ARGV[9]
-- Where the trace of the upload goes on; '' where it has none.
local traceparent = ARGV[10]
local latest = tonumber(ARGV[11])

-- A repeat of this very call: the answer to the first one was lost on the way.
if redis.call('EXISTS', batch_key) == 1 then
  -- A repeat writes, as in ACCEPT: replicas confirm only what this connection wrote.
  redis.call('HSET', batch_key, 'caller', caller)
  return {'opened'}
end
--- @include "now"
--- @include "rate"
--- @include "batch_names"
if latest > 0 and now >= latest then return {'late'} end
local open_batches, all_batches = open_batches_of(caller), batches_of(caller)
if most_open > 0 and redis.call('SCARD', open_batches) >= most_open then return {'too_many'} end
local wait = over_rate(rate_key, cost, burst)
if wait then return {'rate_limited', wait} end
redis.call('HSET', batch_key, 'caller', caller, 'name', name, 'mode', mode, 'ordered', ordered, 'rows', 0,
  'finished', 0, 'upload_ended', 0, 'complete', 0, 'canceled', 0, 'accepted_at', now)
if traceparent ~= '' then redis.call('HSET', batch_key, 'traceparent', traceparent) end
redis.call('ZADD', batches, now + upload_milliseconds, batch_id)
redis.call('SADD', open_batches, batch_id)
redis.call('ZADD', all_batches, now, batch_id)
redis.call('PERSIST', all_batches)
-- Batches that can be read no more leave the caller's list.
for _, old in ipairs(redis.call('ZRANGE', all_batches, 0, 9)) do
  if redis.call('EXISTS', batch_of(old)) == 0 then redis.call('ZREM', all_batches, old) end
end
return {'opened'}
