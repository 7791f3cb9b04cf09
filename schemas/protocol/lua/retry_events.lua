#!lua flags=allow-oom
-- Lets all that waits for an endpoint be tried now.
-- Reply: how many events that are; nil where there is no such endpoint
local endpoint = KEYS[1]
local waiting = KEYS[2]

--- @include "try_at_once"
if redis.call('EXISTS', endpoint) == 0 then return nil end
return try_at_once(waiting)
