"""One try to deliver one event: where to, signed by whom, and what came of it. No Redis."""
