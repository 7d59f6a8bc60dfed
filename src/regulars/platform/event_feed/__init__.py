"""The events feed: every public event, for those who would rather ask than be called."""
