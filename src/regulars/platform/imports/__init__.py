"""Imports: rows of a file become what the API would have made of them, in steps, each row for itself."""
