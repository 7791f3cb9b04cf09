--- @include "now"
-- Lets each event that waits for its next try be tried now. Returns how many these are.
local function try_at_once(waiting)
  local later = redis.call('ZRANGE', waiting, '(' .. now, '(+inf', 'BYSCORE')
  for _, place in ipairs(later) do redis.call('ZADD', waiting, now, place) end
  return #later
end
