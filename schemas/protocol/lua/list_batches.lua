#!lua flags=no-writes
-- Reply: a caller's batches as READ_BATCH replies them, the newest first
local caller = ARGV[1]
local most = tonumber(ARGV[2])

--- @include "batch_names"
--- @include "batch_summary"
local found = {}
for _, batch_id in ipairs(redis.call('ZRANGE', batches_of(caller), 0, most - 1, 'REV')) do
  found[#found + 1] = summary_of(batch_id, batch_of(batch_id)) or nil
end
return found
