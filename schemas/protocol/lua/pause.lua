#!lua flags=allow-oom
-- An operator pauses the taking of tasks, or resumes it. Reply: 1 where that is a change, else 0
local paused = KEYS[1]
-- nothing, batches or all
local what = ARGV[1]
local by = ARGV[2]

--- @include "now"
if (redis.call('HGET', paused, 'what') or 'nothing') == what then return 0 end
if what == 'nothing' then
  redis.call('DEL', paused)
else
  redis.call('HSET', paused, 'what', what, 'by', by, 'at', now)
end
return 1
