"""Which events are sent to which endpoint when, and what is done about the answers."""
