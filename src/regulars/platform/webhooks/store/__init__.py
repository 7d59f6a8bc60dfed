"""SQL of webhooks. Instants are the wall clock's, unless said otherwise."""
