#!lua flags=allow-oom
-- Sends again the tasks that are open and neither in the queue nor with a worker. This is one call of a sweep: it goes
-- on where the last call stopped, whichever worker made that one. The tasks that wait in the queue are not looked at,
-- however many they are.
-- Reply: {1 at the sweep's end | 0 where it goes on | -1 where another worker sweeps, tasks looked at, ids sent again…}
local open_tasks = KEYS[1]
local queue = KEYS[2]
local leases = KEYS[3]
local resent = KEYS[4]
local sweeper = KEYS[5]
local place_key = KEYS[6]
local record_prefix = ARGV[1]
local holder = ARGV[2]
local sweeper_lease_milliseconds = ARGV[3]
-- Most tasks to look at.
local most = tonumber(ARGV[4])
local grace = tonumber(ARGV[5])
-- Longest time between two sends, in milliseconds.
local longest_gap = tonumber(ARGV[6])
-- A Celery message, and what stands in it in place of the task id.
local message = ARGV[7]
local placeholder = ARGV[8]
-- For how long a task that nobody ever started must have been missed, in milliseconds.
local missed_milliseconds = tonumber(ARGV[9])
-- Longest lease of a task, in milliseconds.
local longest_lease = tonumber(ARGV[10])

if redis.call('GET', sweeper) ~= holder then return {-1, 0} end
redis.call('PEXPIRE', sweeper, sweeper_lease_milliseconds)
--- @include "now"
--- @include "id_in"
--- @include "lease_end"
--- @include "least_cut"
-- Tasks that were sent in the future: the clock was set back since. One of them that is lost would be missed only once
-- the clock has caught up.
local ahead = redis.call('ZRANGE', open_tasks, '(' .. now, '+inf', 'BYSCORE', 'LIMIT', 0, most)
for _, task_id in ipairs(ahead) do
  if redis.call('EXISTS', record_prefix .. task_id) == 1 then
    redis.call('HSET', record_prefix .. task_id, 'sent_at', now)
    redis.call('ZADD', open_tasks, now, task_id)
  else
    redis.call('ZREM', open_tasks, task_id)
  end
end
if #ahead > 0 then return {0, #ahead} end

local place = redis.call('HMGET', place_key, 'score', 'skip')
local function ended(reply)
  if place[1] then redis.call('DEL', place_key) end
  -- The first tasks of this index are read as the oldest ones. Workers of the last release did not remove what ended.
  for _, task_id in ipairs(redis.call('ZRANGE', resent, 0, 9)) do
    if not redis.call('ZSCORE', open_tasks, task_id) then redis.call('ZREM', resent, task_id) end
  end
  return reply
end

local before = now - grace
local head = redis.call('LINDEX', queue, -1)
if head then
  -- The queue keeps the order of sending: a task that was sent before the queue's head and is with no worker is lost.
  local head_sent_at = redis.call('HGET', record_prefix .. (id_in(head) or ''), 'sent_at')
  -- A head without a record says nothing about the others. The message after it will, as soon as it is the head.
  if not head_sent_at then return ended({1, 0}) end
  before = math.min(before, tonumber(head_sent_at) - 1)
end

-- The place is the last score that was looked at, and how many tasks with that score were looked at.
local score, skip = place[1] or '-inf', tonumber(place[2] or 0)
local due = redis.call('ZRANGE', open_tasks, score, before, 'BYSCORE', 'LIMIT', skip, most, 'WITHSCORES')
local reply = {1, #due / 2}
for at = 1, #due, 2 do
  local task_id, record_key = due[at], record_prefix .. due[at]
  if due[at + 1] ~= score then score, skip = due[at + 1], 0 end
  local record = redis.call('HMGET', record_key, 'sent_at', 'sends', 'missing_at', 'accepted_at')
  local sent_at, accepted_at = tonumber(record[1]), record[4]
  if not sent_at then
    redis.call('ZREM', open_tasks, task_id)
    redis.call('ZREM', resent, task_id)
  elseif sent_at > before then
    -- It was sent again by a step that did not change the index, as every step of the last release did.
    if sent_at > now then redis.call('HSET', record_key, 'sent_at', now) end
    redis.call('ZADD', open_tasks, math.min(sent_at, now), task_id)
    redis.call('ZADD', resent, accepted_at or sent_at, task_id)
  else
    local sends = tonumber(record[2])
    local missing_at = tonumber(record[3])
    local lease = lease_end(leases, task_id, math.max(longest_lease, least_cut))
    local gap = math.min(longest_gap, grace * 2 ^ (sends - 1))
    local is_due = now - sent_at >= gap and (lease or 0) <= now
    if is_due and (lease or (missing_at and missing_at <= now and now - missing_at >= missed_milliseconds)) then
      redis.call('ZREM', leases, task_id)
      redis.call('HSET', record_key, 'sent_at', now, 'sends', sends + 1, 'state', 'RETRY')
      redis.call('HDEL', record_key, 'missing_at')
      redis.call('ZADD', open_tasks, now, task_id)
      redis.call('ZADD', resent, accepted_at or sent_at, task_id)
      redis.call('LPUSH', queue, (string.gsub(message, placeholder, task_id)))
      reply[#reply + 1] = task_id
    else
      skip = skip + 1
      -- It may be on its way to a worker at this moment: the next sweep finds out.
      if is_due and (not missing_at or missing_at > now) then redis.call('HSET', record_key, 'missing_at', now) end
    end
  end
end
if #due / 2 < most then return ended(reply) end
redis.call('HSET', place_key, 'score', score, 'skip', skip)
reply[1] = 0
return reply
