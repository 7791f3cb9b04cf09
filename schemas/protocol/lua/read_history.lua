#!lua flags=no-writes
-- Reply: samples in the order of time, each as {place, {field, value, …}}
local history = KEYS[1]
-- Where the first one stands behind; '-' for the very first.
local after = ARGV[1]
local most = ARGV[2]

return redis.call('XRANGE', history, after == '-' and after or '(' .. after, '+', 'COUNT', most)
