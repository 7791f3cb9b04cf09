#!lua
-- A process says that it runs, and what it does. Those that have said nothing for long are forgotten.
-- Reply: how many were forgotten
local processes = KEYS[1]
local processes_seen = KEYS[2]
local name = ARGV[1]
local details = ARGV[2]
local forgotten_milliseconds = tonumber(ARGV[3])

--- @include "now"
redis.call('HSET', processes, name, details)
redis.call('ZADD', processes_seen, now, name)
-- Times in the future come from before the clock was set back. A process that still runs comes back by itself.
local long_ago = redis.call('ZRANGE', processes_seen, '-inf', now - forgotten_milliseconds, 'BYSCORE', 'LIMIT', 0, 20)
local ahead = redis.call('ZRANGE', processes_seen, '(' .. now, '+inf', 'BYSCORE', 'LIMIT', 0, 20)
for _, names in ipairs({long_ago, ahead}) do
  for _, each in ipairs(names) do
    redis.call('HDEL', processes, each)
    redis.call('ZREM', processes_seen, each)
  end
end
return #long_ago + #ahead
