#!lua flags=allow-oom
-- Makes one worker the sweeper for a while.
-- Reply: 1 where no worker was the sweeper, else nil
local sweeper = KEYS[1]
local holder = ARGV[1]
local lease_milliseconds = ARGV[2]

if redis.call('SET', sweeper, holder, 'NX', 'PX', lease_milliseconds) then return 1 end
-- Redis keeps the moment at which a key ends. After a clock was set back, that moment would keep every worker from
-- sweeping for as long as the clock was set back.
local left = redis.call('PTTL', sweeper)
if left < 0 or left > tonumber(lease_milliseconds) then redis.call('PEXPIRE', sweeper, lease_milliseconds) end
return nil
