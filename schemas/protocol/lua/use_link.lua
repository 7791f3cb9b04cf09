#!lua flags=allow-oom
-- Marks a link that logs in once as used. Reply: 1 where nobody but the caller used it before, else nil
local link = KEYS[1]
-- The call's own name: a call that is repeated because its reply was lost finds its own mark.
local user = ARGV[1]
local kept_milliseconds = ARGV[2]

local before = redis.call('GET', link)
if not before then redis.call('SET', link, user, 'PX', kept_milliseconds) end
if not before or before == user then return 1 end
return nil
