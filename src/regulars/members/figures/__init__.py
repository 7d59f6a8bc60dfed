"""Members in figures."""
