#!lua flags=no-writes
-- Reply: {what is paused, by whom, since when}, each nil where nothing is
local paused = KEYS[1]

return redis.call('HMGET', paused, 'what', 'by', 'at')
