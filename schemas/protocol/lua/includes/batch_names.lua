-- The names of keys and channels that the scripts of batches make by themselves: `schemas.protocol.batch_keys` has the
-- same, and a test compares them.
local batches = 'intake:batches'
local open_rows = 'intake:rows:open'
local chunks_open = 'intake:chunks:open'
local chunks_resent = 'intake:chunks:resent'
local chunks_waiting = 'intake:chunks:waiting'
local chunks_queue = 'customer.create.batch'
local dead_letters = 'intake:dead'
local held = 'intake:held'
local function record_of(task_id) return 'intake:task:' .. task_id end
local function batch_of(batch_id) return 'intake:batch:' .. batch_id end
local function chunks_of(batch_id) return 'intake:batch:' .. batch_id .. ':chunks' end
local function claims_of(batch_id, bucket) return 'intake:batch:' .. batch_id .. ':emails:' .. bucket end
local function batches_of(caller) return 'intake:batches:of:' .. caller end
local function open_batches_of(caller) return 'intake:batches:open:' .. caller end
local function news_of(batch_id) return 'celery-task-meta-' .. batch_id end
