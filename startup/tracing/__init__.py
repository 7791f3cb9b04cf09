"""Traces, by OpenTelemetry. Only `exporting` imports it, and only where traces are on."""
