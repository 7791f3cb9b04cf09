#!lua flags=no-writes
-- Reads the results of a batch's chunks in the order of lines, from the chunk on that holds or follows a line.
-- Reply: for each chunk {'o' | 'k', lines, rows, then for each range with a result: its first place, its end, its
-- results}. The rows are -1 where the chunk's record is gone.
local batch_id = ARGV[1]
local after = ARGV[2]
local most = tonumber(ARGV[3])

--- @include "batch_names"
local chunks = chunks_of(batch_id)
local from = redis.call('ZRANGE', chunks, after, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')
local reply = {}
for _, listing in ipairs(redis.call('ZRANGE', chunks, from[2] or '-inf', '+inf', 'BYSCORE', 'LIMIT', 0, most)) do
  local how, chunk_id, lines = string.match(listing, '^(%l) (%w+) (.*)$')
  local chunk_key = record_of(chunk_id)
  local view = {how, lines, tonumber(redis.call('HGET', chunk_key, 'rows') or -1)}
  for _, field in ipairs(redis.call('HKEYS', chunk_key)) do
    local first, last = string.match(field, '^results:(%d+):(%d+)$')
    if first then
      view[#view + 1] = tonumber(first)
      view[#view + 1] = tonumber(last)
      view[#view + 1] = redis.call('HGET', chunk_key, field)
    end
  end
  reply[#reply + 1] = view
end
return reply
