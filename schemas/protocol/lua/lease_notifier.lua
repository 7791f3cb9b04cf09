#!lua flags=allow-oom
-- Makes one notifier the one that sends events, or lets it stay so.
-- Reply: 1 where the caller is the one, else nil
local notifier = KEYS[1]
local holder = ARGV[1]
local lease_milliseconds = ARGV[2]
-- The name under which the caller sent before; '' where it did not.
local previous = ARGV[3]

local current = redis.call('GET', notifier)
if not current or current == holder or current == previous then
  redis.call('SET', notifier, holder, 'PX', lease_milliseconds)
  return 1
end
-- After a clock was set back, the moment at which the key ends would be too far away.
local left = redis.call('PTTL', notifier)
if left < 0 or left > tonumber(lease_milliseconds) then redis.call('PEXPIRE', notifier, lease_milliseconds) end
return nil
