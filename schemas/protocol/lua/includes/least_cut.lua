-- In milliseconds. No lease is cut to less than this, however short the leases of the worker are that finds it: other
-- workers may have longer ones.
local least_cut = 60000
