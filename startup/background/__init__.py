"""What runs beside a process' work, from its start to its end."""
