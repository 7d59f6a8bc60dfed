"""Jobs that somebody asked for and waits for: bulk work in steps, with progress, cancelling and a result."""
