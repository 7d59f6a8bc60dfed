"""SQL of the checks: the books with themselves, and what moves between the books of two."""
