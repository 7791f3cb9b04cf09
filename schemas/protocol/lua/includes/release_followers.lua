--- @include "now"
--- @include "batch_names"
-- Sends the tasks that waited for this one to end: the next chunk of an ordered batch, or the second half of a chunk.
local function release_followers(record_key)
  local followers = redis.call('HGET', record_key, 'followers')
  if not followers then return end
  redis.call('HDEL', record_key, 'followers')
  for task_id in string.gmatch(followers, '%w+') do
    local follower_key = record_of(task_id)
    local follower = redis.call('HMGET', follower_key, 'state', 'message')
    if follower[1] == 'WAITING' then
      redis.call('HSET', follower_key, 'state', 'PENDING', 'sent_at', now)
      redis.call('HDEL', follower_key, 'message')
      redis.call('ZREM', chunks_waiting, task_id)
      redis.call('ZADD', chunks_open, now, task_id)
      redis.call('LPUSH', chunks_queue, follower[2])
    end
  end
end
