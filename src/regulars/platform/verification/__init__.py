"""Proofs that the books are right: each room offers checks, `regulars verify` runs them."""
