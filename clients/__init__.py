"""Clients of the API, and what writes them from its description."""
