#!lua flags=allow-oom
-- Has the leases of deliveries end a full lease from now. A worker also holds the tasks that it has taken off the queue
-- and not started: they would be sent again otherwise while they wait behind tasks that wait for the database. The
-- lease of a task that has ended meanwhile is not taken again.
-- Reply: how many deliveries were named
local leases = KEYS[1]
local record_prefix = ARGV[1]
local lease_milliseconds = ARGV[2]
-- Then for each delivery its task id and its own name.
--- @tail deliveries
--- @include "now"
for place = 3, #ARGV, 2 do
  local task_id, delivery = ARGV[place], ARGV[place + 1]
  local record = redis.call('HMGET', record_prefix .. task_id, 'state', 'holder')
  local is_holder = record[1] == 'STARTED' and record[2] == delivery
  if is_holder or record[1] == 'PENDING' or record[1] == 'RETRY' then
    redis.call('ZADD', leases, now + lease_milliseconds, task_id)
  end
end
return (#ARGV - 2) / 2
