#!lua flags=no-writes
-- Reads events that come after a place in the outbox, in order.
-- Reply: {'read', place of the last of them, {id, type, at, data}, …}
--   | {'trimmed', place of the last that was trimmed} | {'lost', place before all that the reader may lack}
local events = KEYS[1]
-- The last entry that was trimmed.
local trimmed_key = KEYS[2]
-- Of the last event that the reader has; '' where it has none.
local after = ARGV[1]
local most = tonumber(ARGV[2])
-- For how long two servers may both have taken events.
local apart_milliseconds = tonumber(ARGV[3])

--- @include "stream_ids"
local trimmed = redis.call('GET', trimmed_key) or '0-0'
local place = after ~= '' and after or trimmed
if is_before(place, trimmed) then return {'trimmed', trimmed} end
if place ~= trimmed and #redis.call('XRANGE', events, place, place) == 0 then
  -- The reader has an event that this server lacks: Redis was restored, or replaced by one that had not got it. What
  -- this one has taken meanwhile may stand before that event.
  local milliseconds = math.max(0, (numbers_of(place)) - apart_milliseconds)
  local common = redis.call('XREVRANGE', events, string.format('%.0f-0', milliseconds), '-', 'COUNT', 1)[1]
  return {'lost', common and common[1] or trimmed}
end
local reply = {'read', place}
for _, entry in ipairs(redis.call('XRANGE', events, '(' .. place, '+', 'COUNT', most)) do
  local fields = {}
  for at = 1, #entry[2], 2 do fields[entry[2][at]] = entry[2][at + 1] end
  reply[2] = entry[1]
  -- What is no event, since somebody else wrote it, must not hold up those behind it.
  if fields.id and fields.type and fields.data and string.find(fields.at or '', '^%d+$') then
    reply[#reply + 1] = {fields.id, fields.type, fields.at, fields.data}
  end
end
return reply
