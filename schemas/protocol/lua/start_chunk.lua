#!lua flags=allow-oom
-- Takes a lease of a chunk, or of a part of one, for a delivery, counts a start and hands the request over.
-- Reply: {started, sealed chunk, id of the chunk, first place, end, starts, accepted_at, now, form of the record,
--         traceparent or ''}
--        | {finished} | {parked} | {held} | {alone} | {canceled} | {unknown}
local record_key = KEYS[1]
local leases = KEYS[2]
local task_id = ARGV[1]
local delivery = ARGV[2]
local lease_milliseconds = tonumber(ARGV[3])
-- '1' where nothing else runs in the worker's process, else '0'.
local alone = ARGV[4]

local record = redis.call('HMGET', record_key, 'state', 'accepted_at', 'starts', 'holder', 'missing_at', 'rows', 'root',
  'first', 'last', 'batches', 'form', 'traceparent')
local state, accepted_at, starts, holder = record[1], record[2], tonumber(record[3]), record[4]
local missing_at, rows, chunk_id = record[5], record[6], record[7] or task_id
if not state then return {'unknown'} end
if state == 'SUCCESS' or state == 'SPLIT' then return {'finished'} end
if state == 'FAILURE' then return {'parked'} end
--- @include "lease_end"
--- @include "least_cut"
--- @include "cancel_chunk"
local same = holder == delivery
local longest = math.max(lease_milliseconds, least_cut)
if not same and state == 'STARTED' and (lease_end(leases, task_id, longest) or 0) > now then
  return {'held'}
end
if state ~= 'STARTED' and starts == 0 and is_canceled(record[10]) then
  cancel_chunk(task_id, rows)
  return {'canceled'}
end
redis.call('ZADD', leases, now + lease_milliseconds, task_id)
if missing_at then redis.call('HDEL', record_key, 'missing_at') end
-- See START.
if not same and starts >= 2 and alone == '0' then
  redis.call('HSET', record_key, 'state', 'RETRY')
  return {'alone'}
end
if not same then starts = redis.call('HINCRBY', record_key, 'starts', 1) end
redis.call('HSET', record_key, 'state', 'STARTED', 'holder', delivery, 'started_at', now)
local sealed = redis.call('HGET', record_of(chunk_id), 'sealed')
return {'started', sealed or '', chunk_id, tonumber(record[8] or 0), tonumber(record[9] or rows), starts,
  tonumber(accepted_at), now, tonumber(record[11] or 1), record[12] or ''}
