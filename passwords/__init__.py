"""Passwords: how they are hashed, and how a login verifies what is stored. Knows no server and no queue."""
