local overall_counts = 'intake:counts'
-- Moves one of the counts of all that the steps have done: `schemas.protocol.overall` tells what they are.
local function count_overall(name, by) redis.call('HINCRBY', overall_counts, name, by) end
