#!lua
-- Finds out which rows of a validated chunk are the first of their batch with their email.
-- Reply: for each claim 1 where the email is the row's, else 0
local batch_id = ARGV[1]
local lifetime_milliseconds = ARGV[2]
-- Then for each row a keyed hash of its email, and what tells the row from others.
--- @tail claims
--- @include "batch_names"
local reply = {}
for at = 3, #ARGV, 2 do
  local email, row = ARGV[at], ARGV[at + 1]
  -- Small hashes take a sixth of the memory of a large one.
  local claims = claims_of(batch_id, string.byte(email, 1) * 16 + math.floor(string.byte(email, 2) / 16))
  local is_first = redis.call('HSETNX', claims, email, row) == 1
  if is_first then redis.call('PEXPIRE', claims, lifetime_milliseconds) end
  reply[#reply + 1] = (is_first or redis.call('HGET', claims, email) == row) and 1 or 0
end
return reply
