"""What orders have to do with merges."""
