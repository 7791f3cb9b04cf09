--- @include "now"
-- When the task's lease ends; nil where it has none. A lease that ends later than `longest` milliseconds from now was
-- taken before the clock was set back. It is cut to `longest`. A worker that lives renews its leases every ten seconds
-- or oftener, so it loses nothing.
local function lease_end(leases, task_id, longest)
  local ends = tonumber(redis.call('ZSCORE', leases, task_id))
  if ends and ends > now + longest then
    ends = now + longest
    redis.call('ZADD', leases, ends, task_id)
  end
  return ends
end
