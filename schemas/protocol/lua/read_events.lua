#!lua flags=no-writes
-- Reads events that come after a place in the outbox, in order.
-- Reply: {'read', place of the last of them, {id, type, at, data}, …}
--   | {'trimmed', place of the last that was trimmed} | {'lost', place of the newest}
local events = KEYS[1]
-- The last entry that was trimmed.
local trimmed_key = KEYS[2]
-- Of the last event that the reader has; '' where it has none.
local after = ARGV[1]
local most = tonumber(ARGV[2])

--- @include "stream_ids"
local exists = redis.call('EXISTS', events) == 1
local trimmed = redis.call('GET', trimmed_key)
if after ~= '' then
  if trimmed and is_before(after, trimmed) then return {'trimmed', trimmed} end
  -- Redis was restored or replaced by one that lacks what the reader has seen.
  local newest = '0-0'
  if exists then
    local information = redis.call('XINFO', 'STREAM', events)
    for at = 1, #information, 2 do
      if information[at] == 'last-generated-id' then newest = information[at + 1] end
    end
  end
  if is_before(newest, after) then return {'lost', newest} end
end
local place = after ~= '' and after or trimmed or '0-0'
local reply = {'read', place}
if not exists then return reply end
for _, entry in ipairs(redis.call('XRANGE', events, '(' .. place, '+', 'COUNT', most)) do
  local fields = {}
  for at = 1, #entry[2], 2 do fields[entry[2][at]] = entry[2][at + 1] end
  reply[2] = entry[1]
  reply[#reply + 1] = {fields.id, fields.type, fields.at, fields.data}
end
return reply
