-- The form of the records that these scripts write: `schemas.protocol.keys.RECORD_FORM` has the same.
local form = 1
