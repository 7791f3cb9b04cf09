#!lua flags=allow-oom
-- Ends the caller's lease, so that another notifier need not wait.
-- Reply: 1 where the caller had it, else 0
local notifier = KEYS[1]
local holder = ARGV[1]

if redis.call('GET', notifier) ~= holder then return 0 end
return redis.call('DEL', notifier)
