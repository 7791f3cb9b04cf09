--- @include "count_overall"
--- @include "end_batch"
-- Outcomes after which a row need not be worked again when its chunk is sent once more.
local good_outcomes = {created = true, repeated = true, valid = true}

-- Moves rows in the counts of one batch. `how` is 'o' where the batch was the first one that listed the chunk; 'k' where
-- the chunk was known by then, so that the rows which it created count as repeated.
local function count_in_batch(batch_id, how, counts, sign)
  local batch_key = batch_of(batch_id)
  if redis.call('EXISTS', batch_key) == 0 then return end
  local rows = 0
  for outcome, count in pairs(counts) do
    rows = rows + count
    local shown = (how == 'k' and outcome == 'created') and 'repeated' or outcome
    redis.call('HINCRBY', batch_key, 'outcome:' .. shown, sign * count)
  end
  redis.call('HINCRBY', batch_key, 'finished', sign * rows)
  redis.call('HSET', batch_key, 'last_at', now)
  end_batch_if_done(batch_id)
  redis.call('PUBLISH', news_of(batch_id), '1')
end

-- Moves rows of a chunk, by their outcomes, in the chunk's record and in every batch that lists the chunk. With a
-- `sign` of -1 the rows have no outcome any more.
local function count_rows(chunk_key, counts, sign)
  local rows, failed = 0, 0
  for outcome, count in pairs(counts) do
    redis.call('HINCRBY', chunk_key, 'count:' .. outcome, sign * count)
    rows = rows + count
    if not good_outcomes[outcome] then failed = failed + count end
    if outcome ~= 'internal_error' then
      count_overall('rows:finished:' .. outcome, sign * count)
    else
      -- Rows of dead letters: they become such, or are sent again.
      count_overall('rows:dead', sign * count)
      count_overall(sign > 0 and 'rows:parked' or 'rows:requeued', count)
    end
  end
  if failed > 0 then redis.call('HINCRBY', chunk_key, 'failed', sign * failed) end
  redis.call('INCRBY', open_rows, -sign * rows)
  for how, batch_id in string.gmatch(redis.call('HGET', chunk_key, 'batches') or '', '([ok])(%w+)') do
    count_in_batch(batch_id, how, counts, sign)
  end
end
