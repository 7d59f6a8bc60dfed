"""What the platform itself has to export."""
