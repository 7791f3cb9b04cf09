#!lua flags=allow-oom
-- Tells that an upload goes on which has brought no chunk for a while.
-- Reply: 1, or 0 where the batch takes no more chunks
local batch_key = KEYS[1]
local batch_id = ARGV[1]
local upload_milliseconds = ARGV[2]

if redis.call('HGET', batch_key, 'upload_ended') ~= '0' then return 0 end
--- @include "now"
--- @include "batch_names"
redis.call('ZADD', batches, now + upload_milliseconds, batch_id)
return 1
