--- @include "now"
local events = 'intake:events'
-- Appends an event to the outbox (`schemas.protocol.keys.EVENTS_KEY`). Its id is the same if the same step is done again,
-- after a failover that lost it; the place in the stream is not. `data` is JSON. `caller` and `traceparent` are false
-- where a record lacks them.
local function append_event(id, type, caller, traceparent, data)
  local entry = {'id', 'evt_' .. id, 'type', type, 'at', now, 'caller', caller or '', 'data', data}
  if traceparent then
    entry[11], entry[12] = 'traceparent', traceparent
  end
  redis.call('XADD', events, '*', unpack(entry))
end

-- Appends the event of a dead letter. A task may become one several times, and each is an event. `more` goes on with
-- the JSON of its data.
local function append_parked(task_id, record_key, caller, traceparent, more)
  local times = redis.call('HINCRBY', record_key, 'parked_times', 1)
  append_event(task_id .. '_parked_' .. times, 'customer.create.parked', caller, traceparent,
    '{"task":"' .. task_id .. '","error":"internal_error"' .. more .. '}')
end

-- The same for rows of a chunk. The batch is the one that was the first to list the chunk.
local function append_parked_rows(chunk_key, task_id, record_key, rows)
  local chunk = redis.call('HMGET', chunk_key, 'caller', 'batches', 'traceparent')
  local batch = string.match(chunk[2] or '', '[ok](%w+)')
  append_parked(task_id, record_key, chunk[1], chunk[3],
    (batch and ',"batch":"' .. batch .. '"' or '') .. ',"rows":' .. rows)
end
