"""Traces, by OpenTelemetry."""
