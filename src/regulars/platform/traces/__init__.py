"""Traces by OpenTelemetry, where a collector is named; see docs/traces.md."""
