"""Two members who may be one person: what speaks for it, and what staff or the rule made of it."""
