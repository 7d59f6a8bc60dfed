"""Pages: the kit, and what every page must hold."""
