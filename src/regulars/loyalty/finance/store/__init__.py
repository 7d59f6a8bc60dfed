"""SQL of finance: liability read from roll-ups and books, months closed, breakage, journals."""
