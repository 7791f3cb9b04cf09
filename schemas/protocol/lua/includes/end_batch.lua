--- @include "append_event"
--- @include "batch_names"
-- Ends the batch where its upload has ended and each of its rows has its outcome. SETTLE_BATCHES then sees to the time
-- for which it can be read.
local function end_batch_if_done(batch_id)
  local batch_key = batch_of(batch_id)
  local batch = redis.call('HMGET', batch_key, 'upload_ended', 'rows', 'finished', 'finished_at', 'caller',
    'canceled', 'traceparent')
  if batch[1] ~= '1' or batch[4] or tonumber(batch[3]) < tonumber(batch[2]) then return end
  redis.call('HSET', batch_key, 'finished_at', now)
  redis.call('ZADD', batches, now, batch_id)
  redis.call('SREM', open_batches_of(batch[5]), batch_id)
  append_event(batch_id, 'customer.create.batch.completed', batch[5], batch[7],
    '{"batch":"' .. batch_id .. '","status":"' .. (batch[6] == '1' and 'CANCELED' or 'DONE') .. '","rows":' .. batch[2] .. '}')
end
