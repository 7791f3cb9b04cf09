#!lua flags=allow-oom
-- Removes all that is kept for an endpoint. What it has not been sent is never sent.
-- Reply: 1 where there was one, else 0
local events = KEYS[1]
local endpoint = KEYS[2]
local waiting = KEYS[3]
local tries = KEYS[4]
local group = ARGV[1]

redis.pcall('XGROUP', 'DESTROY', events, group)
redis.call('DEL', waiting, tries)
return redis.call('DEL', endpoint)
