--- @include "now"
-- Charges a caller for one request by the generic cell rate algorithm (ITU-T I.371): the key holds when the caller's
-- requests so far will be paid for. Returns nil, or for how many milliseconds the caller has to wait; then nothing was
-- charged. `cost` is what a request costs, `burst` what a caller may owe, both in milliseconds.
local function over_rate(rate_key, cost, burst)
  if cost <= 0 then return nil end
  local paid_at = tonumber(redis.call('GET', rate_key) or 0)
  if paid_at > now + burst then
    -- More than a caller may ever owe: the clock was set back since, or the burst was made smaller.
    paid_at = now + burst
    redis.call('SET', rate_key, paid_at, 'PX', math.max(1, math.ceil(burst)))
  end
  local due = math.max(now, paid_at) + cost
  local over = due - now - burst
  if over > 0 then return math.ceil(over) end
  redis.call('SET', rate_key, due, 'PX', math.max(1, math.ceil(due - now)))
  return nil
end
