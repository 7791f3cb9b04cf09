"""Conversions of single values, as the contract or an option wants them. No message holds a value."""
