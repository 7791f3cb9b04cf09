#!lua flags=no-writes
-- Reply: {caller, state, Celery result}, each nil where there is none
local record_key = KEYS[1]
local result_key = KEYS[2]

local record = redis.call('HMGET', record_key, 'caller', 'state', 'rows')
-- A chunk of a batch. It is read with its batch.
if record[3] then return {false, false, false} end
return {record[1], record[2], redis.call('GET', result_key)}
