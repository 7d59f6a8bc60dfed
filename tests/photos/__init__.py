"""`make photos`: every page of the three faces as people see it, to be looked at with one's own eyes."""
