"""What shops have to export."""
