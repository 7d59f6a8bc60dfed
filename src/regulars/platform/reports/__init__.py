"""Figures that take a while: computed slice by slice in the background, with progress, a way to stop, and a result."""
