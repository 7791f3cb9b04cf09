#!lua flags=allow-oom
-- Writes what came of a try. What a notifier without the lease has delivered counts; its failures do not.
-- Reply: 'lost' | 'on' | 'off' (nothing is sent to the endpoint any more, from now on or before)
local events = KEYS[1]
local notifier = KEYS[2]
local endpoint = KEYS[3]
local waiting = KEYS[4]
local tries = KEYS[5]
local holder = ARGV[1]
local group = ARGV[2]
local place = ARGV[3]
-- delivered | failed | given_up
local ending = ARGV[4]
-- In one word.
local outcome = ARGV[5]
-- Until the next try.
local pause_milliseconds = tonumber(ARGV[6])
-- How long the try took.
local try_milliseconds = tonumber(ARGV[7])
-- 1 where the endpoint wants no more events.
local gone = ARGV[8]
-- For how long an endpoint may do nothing but fail.
local off_milliseconds = tonumber(ARGV[9])

--- @include "now"
--- @include "drop_delivery"
local holds = redis.call('GET', notifier) == holder
if not holds and ending ~= 'delivered' then return 'lost' end
-- Another notifier has delivered it, or an operator has removed the endpoint.
if not redis.call('ZSCORE', waiting, place) then return holds and 'on' or 'lost' end
redis.call('HSET', endpoint, 'last_outcome', outcome, 'last_at', now)
if ending == 'delivered' then
  drop_delivery(events, group, waiting, tries, place)
  redis.call('HINCRBY', endpoint, 'delivered', 1)
  redis.call('HDEL', endpoint, 'failing_since')
  return holds and 'on' or 'lost'
end
redis.call('HINCRBY', endpoint, 'failed', 1)
if ending == 'given_up' then
  drop_delivery(events, group, waiting, tries, place)
  redis.call('HINCRBY', endpoint, 'given_up', 1)
else
  local tried, first = string.match(redis.call('HGET', tries, place) or '', '^(%d+) (%d+)$')
  -- What seems to lie ahead was written before the clock was set back.
  if not first or tonumber(first) > now then first = now - try_milliseconds end
  redis.call('HSET', tries, place, string.format('%d %.0f', (tried or 0) + 1, first))
  redis.call('ZADD', waiting, now + pause_milliseconds, place)
end
local failing_since = tonumber(redis.call('HGET', endpoint, 'failing_since') or now)
if failing_since >= now then
  failing_since = now
  redis.call('HSET', endpoint, 'failing_since', now)
end
if redis.call('HEXISTS', endpoint, 'off_reason') == 1 then return 'off' end
local reason
if gone == '1' then
  reason = 'gone'
elseif now - failing_since >= off_milliseconds then
  reason = 'failing'
end
if not reason then return 'on' end
redis.call('HSET', endpoint, 'off_reason', reason, 'off_at', now)
return 'off'
