#!lua flags=no-writes
-- How the service does, in one look. No command here takes longer the more tasks there are.
-- Reply: {now, the counts, signups, chunks, open rows, tasks held, dead letters, when the oldest became one,
--         events kept, when the oldest of them was told, unsettled batches, batches, processes, when each was seen,
--         the newest sample, the oldest one of the span, {what is paused, by whom, since when}};
--        of signups and of chunks {open, queued, waiting for others, since when the oldest is open}
-- Most batches that are told of.
local most_batches = tonumber(ARGV[1])
-- How far back the oldest sample is, in milliseconds.
local span = tonumber(ARGV[2])
-- '1' where the processes are told of, else '0'.
local with_processes = ARGV[3]

--- @include "now"
--- @include "overall_totals"
local signups_queue = 'customer.create'
local signups_resent = 'intake:resent'
local chunks_queue = 'customer.create.batch'
local chunks_resent = 'intake:chunks:resent'
local held = 'intake:held'
local events = 'intake:events'
local batches = 'intake:batches'
local processes = 'intake:processes'
local processes_seen = 'intake:processes:seen'
local paused = 'intake:paused'
local function batch_of(batch_id) return 'intake:batch:' .. batch_id end
-- The lowest score of these sorted sets; nil where all are empty.
local function lowest(...)
  local score
  for _, index in ipairs({...}) do
    local first = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2]
    if first then score = math.min(score or tonumber(first), tonumber(first)) end
  end
  return score or false
end
-- The newest sample, and the oldest one of the span. A sample's place begins with its time, unless the clock was set
-- back: then places go on from where they were, and samples are read from the newest on, up to the setting.
local function newest_and_oldest()
  local newest = redis.call('XREVRANGE', history, '+', '-', 'COUNT', 1)[1]
  if not newest then return false, false end
  if tonumber(string.match(newest[1], '^%d+')) <= now + 1000 then
    return newest, redis.call('XRANGE', history, now - span, '+', 'COUNT', 1)[1] or false
  end
  local oldest = newest
  for _, each in ipairs(redis.call('XREVRANGE', history, '+', '-', 'COUNT', math.ceil(span / 1000))) do
    -- The first field of a sample is its time.
    local at = tonumber(each[2][2])
    if at > tonumber(oldest[2][2]) or at < now - span then break end
    oldest = each
  end
  return newest, oldest
end
local newest_sample, oldest_sample = newest_and_oldest()
local oldest_event = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
local running = {}
if most_batches > 0 then
  -- Those that have ended stand first until they are settled. So many of them are passed over.
  for _, batch_id in ipairs(redis.call('ZRANGE', batches, 0, 10 * most_batches - 1)) do
    if #running == most_batches then break end
    local batch = redis.call('HMGET', batch_of(batch_id), 'mode', 'rows', 'finished', 'upload_ended', 'canceled',
      'accepted_at', 'last_at', 'finished_at')
    if batch[1] and not batch[8] then
      batch[8] = batch_id
      running[#running + 1] = batch
    end
  end
end
return {
  now,
  redis.call('HGETALL', overall_counts),
  {redis.call('ZCARD', open_tasks), redis.call('LLEN', signups_queue), 0, lowest(open_tasks, signups_resent)},
  {redis.call('ZCARD', chunks_open), redis.call('LLEN', chunks_queue), redis.call('ZCARD', chunks_waiting),
    lowest(chunks_open, chunks_resent)},
  tonumber(redis.call('GET', open_rows) or 0),
  -- Leases that have run out are not counted: dead workers leave them until another one sweeps.
  redis.call('ZCOUNT', held, '(' .. now, '+inf'),
  redis.call('ZCARD', dead_letters),
  lowest(dead_letters),
  redis.call('XLEN', events),
  -- The place of an event begins with its time.
  oldest_event and tonumber(string.match(oldest_event[1], '^%d+')) or false,
  redis.call('ZCARD', batches),
  running,
  with_processes == '1' and redis.call('HGETALL', processes) or {},
  with_processes == '1' and redis.call('ZRANGE', processes_seen, 0, -1, 'WITHSCORES') or {},
  newest_sample,
  oldest_sample,
  redis.call('HMGET', paused, 'what', 'by', 'at'),
}
