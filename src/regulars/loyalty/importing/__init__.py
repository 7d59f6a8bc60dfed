"""Accruals out of files."""
