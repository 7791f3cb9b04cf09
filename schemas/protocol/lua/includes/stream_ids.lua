-- The two numbers of an entry's id in a stream.
local function numbers_of(id)
  local milliseconds, place = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(milliseconds), tonumber(place)
end

-- Whether the entry of the first id stands before that of the second.
local function is_before(id, other)
  local milliseconds, place = numbers_of(id)
  local other_milliseconds, other_place = numbers_of(other)
  if milliseconds ~= other_milliseconds then return milliseconds < other_milliseconds end
  return place < other_place
end
