#!lua flags=allow-oom
-- Keeps what was counted up to now as the sample of this second, unless there is one. Where counting has not begun it
-- begins here.
-- Reply: 1 where this call kept the sample, else 0
-- How many samples are kept.
local most = ARGV[1]

--- @include "now"
--- @include "overall_totals"
local newest = redis.call('XREVRANGE', history, '+', '-', 'COUNT', 1)[1]
local before = {}
for at = 1, newest and #newest[2] or 0, 2 do before[newest[2][at]] = newest[2][at + 1] end
-- Also after the clock was set back, a second has one sample.
if newest and math.floor(before.at / 1000) == math.floor(now / 1000) then return 0 end
-- Counts which dead letters are of rows, for a release that does not count has made or ended some. Where there are too
-- many to look at, what was counted before stays.
local function count_dead()
  local most_looked_at = 10000
  local dead = redis.call('ZRANGE', dead_letters, 0, most_looked_at)
  if #dead > most_looked_at then return end
  local chunks, rows = 0, 0
  for _, task_id in ipairs(dead) do
    -- What is no record must not keep counting from its beginning.
    local of_task = redis.pcall('HGET', 'intake:task:' .. task_id, 'rows')
    if type(of_task) == 'string' and #of_task < 16 and string.find(of_task, '^%d+$') then
      chunks, rows = chunks + 1, rows + of_task
    end
  end
  redis.call('HSET', overall_counts, 'chunks:dead', chunks, 'rows:dead', rows)
end
local begins = redis.call('HEXISTS', overall_counts, 'since') == 0
if begins then count_dead() end
local left = now_left()
if begins then
  -- Steps that ran before may have counted already, as those of a release that does not count may have run: both are
  -- in what is left now.
  for _, name in ipairs(redis.call('HKEYS', overall_counts)) do
    if name ~= 'chunks:dead' and name ~= 'rows:dead' then redis.call('HDEL', overall_counts, name) end
  end
  before = {}
  redis.call('HSET', overall_counts, 'since', now, 'signups:at_first', left.signups + left.dead_signups,
    'rows:at_first', left.rows + left.dead_rows, 'chunks:at_first', left.chunks)
end
local totals = {signups_accepted = 0, signups_finished = 0, rows_accepted = 0, rows_finished = 0}
local counted = redis.call('HGETALL', overall_counts)
for at = 1, #counted, 2 do
  local unit, what = string.match(counted[at], '^(%l+):(%l+)')
  local name = unit and unit .. '_' .. what
  if totals[name] then totals[name] = totals[name] + counted[at + 1] end
end
local sample = {'at', now}
local function tell(name, value)
  sample[#sample + 1] = name
  sample[#sample + 1] = value
end
for _, unit in ipairs({'signups', 'rows'}) do
  local finished = totals[unit .. '_finished']
  tell(unit .. '_accepted', totals[unit .. '_accepted'])
  tell(unit .. '_finished', finished)
  tell(unit .. '_open', left[unit])
  if left[unit] > 0 then
    -- Since when there is always something to do, and what was finished by then: the rate of a while in which there was
    -- nothing to do tells nothing of how long a queue takes.
    local since, from = before[unit .. '_busy_since'], before[unit .. '_busy_from']
    -- A time in the future is from before the clock was set back.
    if not since or tonumber(since) > now then since, from = now, finished end
    tell(unit .. '_busy_since', since)
    tell(unit .. '_busy_from', from)
  end
end
redis.call('XADD', history, 'MAXLEN', '~', most, '*', unpack(sample))
return 1
