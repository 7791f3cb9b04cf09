#!lua flags=allow-oom
-- Hands out events to try: first those whose next try is due, then events that nobody has tried for this endpoint.
-- Reply: {'lost'} | {'off'} | {'taken', milliseconds until the next try or -1, 1 where there may be more now,
--   {place, id, type, at, data, tries, milliseconds since the first try, traceparent or ''}, …}
local events = KEYS[1]
local notifier = KEYS[2]
local endpoint = KEYS[3]
local waiting = KEYS[4]
local tries = KEYS[5]
local holder = ARGV[1]
local group = ARGV[2]
local consumer = ARGV[3]
-- Most events to hand out.
local most = tonumber(ARGV[4])
-- Most events that may wait. The stream keeps the others.
local most_waiting = tonumber(ARGV[5])
-- The longest pause between two tries.
local longest_milliseconds = tonumber(ARGV[6])
-- Types that the endpoint wants, each with a space before and behind; '' for all.
local types = ARGV[7]
-- Callers of whose tasks the endpoint is told; none for all.
--- @tail callers

--- @include "now"
--- @include "drop_delivery"
-- Most entries that are read for nothing, so that no call takes long.
local most_read = 500

if redis.call('GET', notifier) ~= holder then return {'lost'} end
local state = redis.call('HMGET', endpoint, 'holder', 'off_reason', 'since')
if state[1] ~= holder then
  -- Whoever tried these has died.
  for _, place in ipairs(redis.call('ZRANGE', waiting, '+inf', '+inf', 'BYSCORE')) do
    redis.call('ZADD', waiting, now, place)
  end
  redis.call('HSET', endpoint, 'holder', holder)
end
if state[2] then return {'off'} end
if not state[3] then
  redis.pcall('XGROUP', 'CREATE', events, group, '$', 'MKSTREAM')
  redis.call('HSET', endpoint, 'since', now)
end

local reply = {'taken', -1, 0}
local function hand_out(place, entry)
  local fields = {}
  for at = 1, #entry, 2 do fields[entry[at]] = entry[at + 1] end
  local tried, first = string.match(redis.call('HGET', tries, place) or '', '^(%d+) (%d+)$')
  redis.call('ZADD', waiting, '+inf', place)
  reply[#reply + 1] = {place, fields.id, fields.type, fields.at, fields.data, tonumber(tried or 0),
    math.max(0, now - (first or now)), fields.traceparent or ''}
end

-- No pause is so long: the clock was set back.
local too_late = string.format('(%.0f', now + longest_milliseconds)
for _, place in ipairs(redis.call('ZRANGE', waiting, too_late, '(+inf', 'BYSCORE')) do
  redis.call('ZADD', waiting, now, place)
end

for _, place in ipairs(redis.call('ZRANGE', waiting, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
  local found = redis.call('XRANGE', events, place, place)
  if found[1] then
    hand_out(place, found[1][2])
  else
    drop_delivery(events, group, waiting, tries, place)
    redis.call('HINCRBY', endpoint, 'missing', 1)
  end
end

local wanted_callers = {}
for at = 8, #ARGV do wanted_callers[ARGV[at]] = true end
local function is_wanted(entry)
  local fields = {}
  for at = 1, #entry, 2 do fields[entry[at]] = entry[at + 1] end
  -- What is no event must not hold up those behind it.
  if not (fields.id and fields.type and fields.data and string.find(fields.at or '', '^%d+$')) then return false end
  return (types == '' or string.find(types, ' ' .. fields.type .. ' ', 1, true)) and
    (#ARGV < 8 or wanted_callers[fields.caller])
end

local read = 0
local room = math.min(most - (#reply - 3), most_waiting - redis.call('ZCARD', waiting))
while room > 0 do
  if read >= most_read then
    reply[3] = 1
    break
  end
  local got = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', events, '>')
  if got and got.err then
    if not string.find(got.err, 'NOGROUP', 1, true) then return got end
    -- The stream was lost and has begun anew. All that is in it is new to the endpoint.
    redis.call('XGROUP', 'CREATE', events, group, '0', 'MKSTREAM')
    got = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', events, '>')
  end
  if not got then break end
  local entries = got[1][2]
  for _, entry in ipairs(entries) do
    if is_wanted(entry[2]) then
      hand_out(entry[1], entry[2])
      room = room - 1
    else
      redis.call('XACK', events, group, entry[1])
    end
  end
  read = read + #entries
end

local next_due = redis.call('ZRANGE', waiting, '(' .. now, '(+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
if next_due[2] then reply[2] = math.max(0, math.ceil(next_due[2] - now)) end
return reply
