"""SQL of the ledger: books are loaded and journals written set-based, one statement a table."""
