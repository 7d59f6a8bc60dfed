"""What members are told, and by which channel."""
