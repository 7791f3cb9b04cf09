#!lua flags=allow-oom
-- Sends an endpoint events again, or none any more. What it has not been sent is kept.
-- Reply: 1 where that changed something, else 0; nil where there is no such endpoint
local endpoint = KEYS[1]
local waiting = KEYS[2]
-- Why nothing is to be sent; '' where events are to be sent.
local reason = ARGV[1]

--- @include "now"
--- @include "try_at_once"
if redis.call('EXISTS', endpoint) == 0 then return nil end
local is_off = redis.call('HEXISTS', endpoint, 'off_reason') == 1
if is_off == (reason ~= '') then return 0 end
if reason ~= '' then
  redis.call('HSET', endpoint, 'off_reason', reason, 'off_at', now)
  return 1
end
redis.call('HDEL', endpoint, 'off_reason', 'off_at', 'failing_since')
try_at_once(waiting)
return 1
