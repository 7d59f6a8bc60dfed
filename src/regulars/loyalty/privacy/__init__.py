"""What the ledger does when a member is erased, and what it tells a member of theirs."""
