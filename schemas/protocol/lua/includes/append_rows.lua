--- @include "append_event"
-- The numbers in these runs, as `schemas.batch.line_numbers` writes them, by place. The first place is 0.
local function lines_in(runs)
  local lines, place = {}, 0
  for first, count in string.gmatch(runs or '', '(%d+)%+(%d+)') do
    for line = first, first + count - 1 do
      lines[place] = line
      place = place + 1
    end
  end
  return lines
end

-- Appends events of rows of a chunk. `rows` is a list of place, type and data for each. The batch and the lines are those
-- of the batch that was the first to list the chunk.
local function append_rows(chunk_id, chunk_key, rows)
  local chunk = redis.call('HMGET', chunk_key, 'caller', 'batches', 'lines', 'traceparent')
  local batch = string.match(chunk[2] or '', 'o(%w+)')
  local lines = lines_in(chunk[3])
  for at = 1, #rows, 3 do
    local line = lines[tonumber(rows[at])]
    append_event(chunk_id .. '_' .. rows[at], rows[at + 1], chunk[1], chunk[4], '{"task":"' .. chunk_id .. '"' ..
      (batch and ',"batch":"' .. batch .. '"' or '') .. (line and ',"line":' .. string.format('%.0f', line) or '') ..
      ',' .. string.sub(rows[at + 2], 2))
  end
end
