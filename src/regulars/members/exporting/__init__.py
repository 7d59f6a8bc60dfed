"""What is known of members, to be exported."""
