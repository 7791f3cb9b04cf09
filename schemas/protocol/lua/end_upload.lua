#!lua flags=allow-oom
-- The upload of a batch has ended.
-- Reply: the batch as READ_BATCH replies it; nil where there is none
local batch_key = KEYS[1]
local batch_id = ARGV[1]
-- '1' where the upload ended as it should, '0' where it was broken off.
local complete = ARGV[2]

--- @include "end_batch"
--- @include "batch_summary"
if redis.call('EXISTS', batch_key) == 0 then return nil end
redis.call('HSET', batch_key, 'upload_ended', 1)
if complete == '1' then redis.call('HSET', batch_key, 'complete', 1) end
redis.call('ZADD', batches, now, batch_id)
end_batch_if_done(batch_id)
return summary_of(batch_id, batch_key)
