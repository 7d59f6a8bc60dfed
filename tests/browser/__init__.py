"""The product in a real browser: every page looked at, by a person's eye and by axe."""
