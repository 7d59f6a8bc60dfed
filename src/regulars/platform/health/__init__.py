"""Whether this process may be used."""
