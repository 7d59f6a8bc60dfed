"""What a deployment measures of itself, told to Prometheus; see docs/metrics.md."""
