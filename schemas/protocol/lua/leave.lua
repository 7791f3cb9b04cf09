#!lua flags=allow-oom
-- A process says that it has ended.
-- Reply: 1 where it was known, else 0
local processes = KEYS[1]
local processes_seen = KEYS[2]
local name = ARGV[1]

redis.call('ZREM', processes_seen, name)
return redis.call('HDEL', processes, name)
