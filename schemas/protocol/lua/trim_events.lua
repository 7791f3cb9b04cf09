#!lua flags=allow-oom
-- Removes old events. Those that a consumer group has not acknowledged are kept for longer. One call removes some.
-- Reply: {how many were removed, how many of them a group needed}
local events = KEYS[1]
-- The last entry that was trimmed.
local trimmed_key = KEYS[2]
local kept_milliseconds = tonumber(ARGV[1])
-- For how long events are kept that a group needs.
local unread_milliseconds = tonumber(ARGV[2])
-- Most entries to remove.
local most = tonumber(ARGV[3])

--- @include "now"
--- @include "stream_ids"
if redis.call('EXISTS', events) == 0 then return {0, 0} end
-- The place of the first event that is not older.
local function place_of(age_milliseconds)
  return string.format('%.0f-0', math.max(0, now - age_milliseconds))
end
-- The first that a group needs: its oldest unacknowledged one, or the last that all its consumers are done with.
local needed, is_pending
for _, group in ipairs(redis.call('XINFO', 'GROUPS', events)) do
  local named = {}
  for at = 1, #group, 2 do named[group[at]] = group[at + 1] end
  local pending = redis.call('XPENDING', events, named.name)[2]
  local place = pending or named['last-delivered-id']
  if not needed or is_before(place, needed) then needed, is_pending = place, pending end
end
-- Everything before this may go.
local bound = place_of(kept_milliseconds)
if needed and is_before(needed, bound) then
  local unread = place_of(unread_milliseconds)
  bound = is_before(needed, unread) and unread or needed
end
if bound == '0-0' then return {0, 0} end
local old = redis.call('XRANGE', events, '-', '(' .. bound, 'COUNT', most)
if #old == 0 then return {0, 0} end
local last = old[#old][1]
local milliseconds, place = numbers_of(last)
redis.call('XTRIM', events, 'MINID', '=', string.format('%.0f-%.0f', milliseconds, place + 1))
redis.call('SET', trimmed_key, last)
local unread = 0
for _, entry in ipairs(old) do
  -- What was delivered last to a group without pending entries is acknowledged.
  if needed and not is_before(entry[1], needed) and (is_pending or entry[1] ~= needed) then unread = unread + 1 end
end
return {#old, unread}
