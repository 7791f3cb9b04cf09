--- @include "count_overall"
local open_tasks = 'intake:open'
local chunks_open = 'intake:chunks:open'
local chunks_waiting = 'intake:chunks:waiting'
local open_rows = 'intake:rows:open'
local dead_letters = 'intake:dead'
local history = 'intake:history'
-- What is open or a dead letter now, by the indexes. Only the rows are told by counts alone.
local function now_left()
  local dead_chunks = tonumber(redis.call('HGET', overall_counts, 'chunks:dead') or 0)
  local left = {}
  left.signups = redis.call('ZCARD', open_tasks)
  left.rows = tonumber(redis.call('GET', open_rows) or 0)
  left.chunks = redis.call('ZCARD', chunks_open) + redis.call('ZCARD', chunks_waiting)
  left.dead_signups = redis.call('ZCARD', dead_letters) - dead_chunks
  left.dead_rows = tonumber(redis.call('HGET', overall_counts, 'rows:dead') or 0)
  return left
end
