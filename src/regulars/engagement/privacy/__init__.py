"""What messages do when a member is erased, and what they tell a member of theirs."""
