#!lua flags=no-writes
-- What became of one task, and when. Of an outcome only its code and the customer's id leave Redis.
-- Reply: nil | {now, the fields below in their order, end of the lease, outcome, customer's id, {name, rows, …}}
local record_key = KEYS[1]
local result_key = KEYS[2]
local leases = KEYS[3]
local task_id = ARGV[1]

--- @include "now"
local record = redis.call('HMGET', record_key, 'state', 'accepted_at', 'sent_at', 'sends', 'started_at', 'starts',
  'finished_at', 'missing_at', 'deferred_at', 'reason', 'detail', 'parked_times', 'rows', 'root', 'batches')
if not record[1] then return false end
local outcome, customer = false, false
local stored = record[1] == 'SUCCESS' and not record[13] and redis.call('GET', result_key)
if stored then
  local known, decoded = pcall(cjson.decode, stored)
  local result = known and type(decoded) == 'table' and decoded.result
  if type(result) == 'table' then
    outcome = result.ok and 'created' or tostring(result.error)
    if result.ok and type(result.customer) == 'table' then customer = result.customer.id end
  end
end
local counted = {}
if record[13] then
  for _, field in ipairs(redis.call('HKEYS', record_key)) do
    local name = string.match(field, '^count:(.+)$')
    if name then
      counted[#counted + 1] = name
      counted[#counted + 1] = redis.call('HGET', record_key, field)
    end
  end
end
return {now, record, redis.call('ZSCORE', leases, task_id), outcome, customer, counted}
