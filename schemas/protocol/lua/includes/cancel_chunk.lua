--- @include "count_rows"
--- @include "end_range"
-- Whether every batch that lists the chunk was canceled.
local function is_canceled(listed_by)
  local found = false
  for batch_id in string.gmatch(listed_by or '', '[ok](%w+)') do
    if redis.call('HGET', batch_of(batch_id), 'canceled') ~= '1' then return false end
    found = true
  end
  return found
end

-- Gives all rows of a chunk that nobody has started on the outcome `canceled`.
local function cancel_chunk(chunk_id, rows)
  local chunk_key = record_of(chunk_id)
  redis.call('HSET', chunk_key, 'results:0:' .. rows, 'C')
  redis.call('HDEL', chunk_key, 'message')
  leave_indexes(chunk_id)
  count_rows(chunk_key, {canceled = tonumber(rows)}, 1)
  end_range(chunk_key)
end
