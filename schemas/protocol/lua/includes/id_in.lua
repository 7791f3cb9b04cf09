-- The task id in a Celery message; nil where the message holds none.
local function id_in(message)
  return string.match(message, '"correlation_id": ?"(%w+)"')
end
