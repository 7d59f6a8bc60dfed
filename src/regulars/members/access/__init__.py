"""How members get in: a one-time code to a phone or an address, then a session on a device."""
