"""Endpoints: who wants which events, as an operator writes it into a file. No network, no Redis."""
