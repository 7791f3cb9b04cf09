#!lua flags=allow-oom
-- A worker that stops puts the messages that it has taken off the queue, and whose tasks it has not started, back at the
-- queue's head.
-- Reply: how many
local queue = KEYS[1]
local leases = KEYS[2]
local record_prefix = ARGV[1]
-- Then the messages, in the order in which they were taken.
--- @tail messages
--- @include "before_head"
for place = #ARGV, 2, -1 do
  local message = ARGV[place]
  local task_id = id_in(message)
  local record_key = task_id and record_prefix .. task_id
  local sent_at = record_key and redis.call('HGET', record_key, 'sent_at')
  if sent_at then
    redis.call('HSET', record_key, 'sent_at', before_head(queue, record_prefix, tonumber(sent_at)))
    redis.call('HDEL', record_key, 'missing_at')
    -- A worker that got another message of this task may have started it meanwhile: then the lease is that worker's.
    if redis.call('HGET', record_key, 'state') ~= 'STARTED' then redis.call('ZREM', leases, task_id) end
  end
  redis.call('RPUSH', queue, message)
end
return #ARGV - 1
