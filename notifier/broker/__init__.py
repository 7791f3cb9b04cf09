"""The notifier's side of Redis: its calls, its lease, and how it hears of new events."""
