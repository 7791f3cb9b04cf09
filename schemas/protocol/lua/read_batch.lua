#!lua flags=no-writes
-- Reply: the batch's fields and their values, one after another, with `id` and `now`; nil where there is no such batch
local batch_key = KEYS[1]
local batch_id = ARGV[1]

--- @include "batch_summary"
return summary_of(batch_id, batch_key)
