"""SQL of what was sold: read from roll-ups, rolled up, counted in slices."""
