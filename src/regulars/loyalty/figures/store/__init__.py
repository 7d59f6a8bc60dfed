"""SQL of the programme in figures: read from roll-ups, and rolled up."""
