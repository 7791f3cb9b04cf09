"""The operators' page: shows live how the service does, finds tasks, and acts for an operator."""
