#!lua flags=no-writes
-- Reads an endpoint's state.
-- Reply: {now, how many events wait for a further try, the place of the oldest event that the endpoint does not have
--   or '', name, value, …}; nil where there is no such endpoint
local events = KEYS[1]
local endpoint = KEYS[2]
local waiting = KEYS[3]
local group = ARGV[1]

--- @include "now"
-- The fields of `schemas.protocol.webhook_keys.EndpointField`. HGETALL would let whoever may use it read every record.
local names = {'since', 'holder', 'delivered', 'failed', 'given_up', 'missing', 'last_outcome', 'last_at',
  'failing_since', 'off_reason', 'off_at'}
local values = redis.call('HMGET', endpoint, unpack(names))
if not values[1] then return nil end
local oldest = ''
local pending = redis.pcall('XPENDING', events, group)
if not pending.err then
  if pending[2] then
    oldest = pending[2]
  else
    for _, each in ipairs(redis.call('XINFO', 'GROUPS', events)) do
      local named = {}
      for at = 1, #each, 2 do named[each[at]] = each[at + 1] end
      if named.name == group then
        local following = redis.call('XRANGE', events, '(' .. named['last-delivered-id'], '+', 'COUNT', 1)
        oldest = following[1] and following[1][1] or ''
      end
    end
  end
end
local reply = {now, redis.call('ZCARD', waiting), oldest}
for at, name in ipairs(names) do
  if values[at] then
    reply[#reply + 1] = name
    reply[#reply + 1] = values[at]
  end
end
return reply
