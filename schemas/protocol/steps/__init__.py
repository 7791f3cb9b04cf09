"""The steps of the protocol: every change and every read of a task's record, each one atomic in Redis.

A step is a function that returns a `schemas.protocol.call.Call`: a value that whoever has a connection sends, and that
turns Redis' reply into a typed one. Times are seconds here, and milliseconds in Redis. A step's script is the file of
its name in `schemas/protocol/lua/`. Only that file knows the order of its KEYS and ARGV. By who calls them:

- `accepting`: the shim (ACCEPT, READ).
- `working`: a worker that takes tasks (START, RENEW).
- `ending`: a worker that is done with tasks (FINISH, RELEASE, PUT_BACK, DEFER, PARK).
- `sweeping`: the one worker that sends lost tasks again (LEASE_SWEEPER, SWEEP).
- `eventing`: whoever tells of events, and the sweeper that trims them (READ_EVENTS, TRIM_EVENTS).
- `delivering`: the notifier (LEASE_NOTIFIER, LEAVE_NOTIFIER, TAKE_EVENTS, END_TRY), and whoever looks after endpoints
  of webhooks (READ_ENDPOINT, SWITCH_ENDPOINT, RETRY_EVENTS, FORGET_ENDPOINT).
- `overseeing`: whoever shows how the service does (READ_OVERVIEW, READ_HISTORY), and each process for that (SAMPLE,
  ANNOUNCE, LEAVE).
- `inspecting`: whoever looks a task up (INSPECT).
- `pausing`: an operator (PAUSE), and each worker (READ_PAUSE).
- `links`: the console that a link logs in to (USE_LINK).
- `operating`: an operator (REQUEUE, DROP, and for dead letters of batches REQUEUE_CHUNK, DROP_CHUNK).
- `uploading`: the shim that takes in a batch (OPEN_BATCH, ACCEPT_CHUNK, KEEP_UPLOAD, END_UPLOAD).
- `batches`: the shim that tells of batches (READ_BATCH, LIST_BATCHES, READ_CHUNKS, CANCEL_BATCH).
- `chunk_working`: a worker that works on batches (START_CHUNK, SPLIT_CHUNK, FINISH_CHUNK, PARK_CHUNK, CLAIM_EMAILS,
  SETTLE_BATCHES). RENEW, RELEASE, PUT_BACK, DEFER and SWEEP serve chunks as well, each lane with its own indexes.

Redis runs a script without anything between its commands, by Redis' own clock. When Redis is at its `maxmemory` it
refuses a script as a whole, before the script has written anything. Scripts with the flag `allow-oom` run all the same:
they free memory, or keep what is accepted from being lost. `#!lua` needs Redis 7 or newer.

How to add a field to the record: document it in `schemas.protocol.keys.Field`. Then

- where a script knows the value by itself (a time, a count), write the field in that script and nowhere else;
- where the caller knows the value, add a named local at the end of the header of the step's Lua file, before `latest`
  where the script has a deadline (`local tenant = ARGV[10]`). Write the field there, and give the step's function the
  parameter and its call the argument of that name;
- where a reader needs it, add it to the `HMGET` and the reply of that step's script, and to the step's reply type.

A name that stands only in the Lua file or only in Python fails the step's first call, and
`tests/schemas/protocol/test_steps.py` calls each step: add the argument to `golden_calls.json` beside that test. A
reader must do without the field: records of the last release do not have it, and workers of the last release do not
write it.

How to change the record's form, where a field gets another meaning or a release could not do without a new one: raise
`schemas.protocol.keys.RECORD_FORM` and the number in `lua/includes/form.lua`. Let the readers' scripts take the new
form and the one before, by the field `form`. A worker of the release before leaves such a record to others. So it takes
two releases where that must not happen: one that reads the new form and writes the old one, then one that writes it.
"""
