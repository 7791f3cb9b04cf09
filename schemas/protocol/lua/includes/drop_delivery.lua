-- Forgets that an endpoint waits for an event.
local function drop_delivery(events, group, waiting, tries, place)
  redis.call('XACK', events, group, place)
  redis.call('ZREM', waiting, place)
  redis.call('HDEL', tries, place)
end
