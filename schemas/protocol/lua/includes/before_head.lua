--- @include "id_in"
-- The `sent_at` of a task that is about to become the queue's head: its own, or that of the present head where the head
-- was sent earlier. The queue must stay in the order of sending, or SWEEP would take for lost the tasks that stand
-- behind a head that was sent later. The index of open tasks need not follow: its score may be later than `sent_at`.
local function before_head(queue, record_prefix, sent_at)
  local head = redis.call('LINDEX', queue, -1)
  local head_sent_at = head and redis.call('HGET', record_prefix .. (id_in(head) or ''), 'sent_at')
  return head_sent_at and math.min(sent_at, tonumber(head_sent_at)) or sent_at
end
