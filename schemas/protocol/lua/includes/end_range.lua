--- @include "count_overall"
--- @include "release_followers"
-- Removes the chunk's request once no part of it is open or a dead letter. A chunk whose batches have all been settled
-- meanwhile expires when they do.
local function forget_request(chunk_key)
  local chunk = redis.call('HMGET', chunk_key, 'open_parts', 'parked_parts', 'expires_at')
  if tonumber(chunk[1] or 0) > 0 or tonumber(chunk[2] or 0) > 0 then return end
  redis.call('HDEL', chunk_key, 'sealed')
  if chunk[3] then redis.call('PEXPIREAT', chunk_key, chunk[3]) end
end

-- One range of the chunk's rows has ended. Where it was the last one, the chunk has ended.
local function end_range(chunk_key)
  if redis.call('HINCRBY', chunk_key, 'open_parts', -1) > 0 then return end
  redis.call('HSET', chunk_key, 'state', 'SUCCESS', 'finished_at', now)
  redis.call('HDEL', chunk_key, 'holder', 'deferred_at', 'missing_at')
  forget_request(chunk_key)
  release_followers(chunk_key)
end

-- The task is neither open, nor waiting, nor with a worker any more.
local function leave_indexes(task_id)
  count_overall('chunks:open', -1)
  redis.call('ZREM', chunks_open, task_id)
  redis.call('ZREM', chunks_resent, task_id)
  redis.call('ZREM', chunks_waiting, task_id)
  redis.call('ZREM', held, task_id)
end
