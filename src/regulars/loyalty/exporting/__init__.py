"""What the books have to export."""
