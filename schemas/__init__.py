"""What both sides of the queue must agree on: shapes, names, keys, scripts and sealing. No I/O happens here."""
