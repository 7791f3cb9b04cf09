#!lua flags=allow-oom
-- Takes a lease of the task for a delivery, counts a start and hands the request over.
-- Reply: {started, sealed request, fingerprint, starts, accepted_at, now, form of the record, traceparent or ''}
--        | {finished} | {parked} | {held} | {alone} | {unknown}
local record_key = KEYS[1]
local leases = KEYS[2]
local task_id = ARGV[1]
local delivery = ARGV[2]
local lease_milliseconds = tonumber(ARGV[3])
-- '1' where nothing else runs in the worker's process, else '0'.
local alone = ARGV[4]

local record = redis.call('HMGET', record_key, 'state', 'sealed', 'fingerprint', 'accepted_at', 'starts', 'holder',
  'missing_at', 'form', 'traceparent')
local state, sealed, fingerprint, accepted_at = record[1], record[2], record[3], record[4]
local starts, holder, missing_at = tonumber(record[5]), record[6], record[7]
if not state then return {'unknown'} end
if state == 'SUCCESS' then return {'finished'} end
if state == 'FAILURE' then return {'parked'} end
--- @include "lease_end"
--- @include "least_cut"
local same = holder == delivery
local longest = math.max(lease_milliseconds, least_cut)
if not same and state == 'STARTED' and (lease_end(leases, task_id, longest) or 0) > now then
  return {'held'}
end
redis.call('ZADD', leases, now + lease_milliseconds, task_id)
if missing_at then redis.call('HDEL', record_key, 'missing_at') end
-- Two starts without an outcome may be the fault of a task beside this one, which killed the process they shared. A
-- task that kills its process by itself shows it when it runs alone.
if not same and starts >= 2 and alone == '0' then
  -- The lease of its last holder has run out. The lease it has now is for the call that will start it alone.
  redis.call('HSET', record_key, 'state', 'RETRY')
  return {'alone'}
end
-- A call by the same delivery is a repeat: the answer to the first one was lost on the way, and its start is counted.
if not same then starts = redis.call('HINCRBY', record_key, 'starts', 1) end
redis.call('HSET', record_key, 'state', 'STARTED', 'holder', delivery, 'started_at', now)
-- Shims of 0.1 wrote no form.
return {'started', sealed, fingerprint, starts, tonumber(accepted_at), now, tonumber(record[8] or 1), record[9] or ''}
