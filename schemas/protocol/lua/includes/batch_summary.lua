--- @include "now"
-- What is known of the batch, its id and the time of asking; nil where there is no such batch.
local function summary_of(batch_id, batch_key)
  local fields = redis.call('HGETALL', batch_key)
  if #fields == 0 then return nil end
  fields[#fields + 1] = 'now'
  fields[#fields + 1] = now
  fields[#fields + 1] = 'id'
  fields[#fields + 1] = batch_id
  return fields
end
