"""What is measured, by name. Each scenario gives lines of the report, proven before they are given."""
