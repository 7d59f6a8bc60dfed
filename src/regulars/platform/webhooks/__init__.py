"""Webhooks: events delivered to addresses of others, signed, in order for each member; see docs/webhooks.md."""
