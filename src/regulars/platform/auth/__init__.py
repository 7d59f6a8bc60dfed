"""API keys: who asks, and what that key may do."""
