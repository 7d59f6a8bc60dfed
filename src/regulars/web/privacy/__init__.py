"""What portal and console share of privacy."""
