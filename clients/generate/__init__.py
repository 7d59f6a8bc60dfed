"""Writes the Python client's models and operations from the API's description: `make client`."""
