"""What orders tell a member of theirs."""
