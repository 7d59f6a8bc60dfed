"""Pages for members, shop staff and the people at the desk, over the doors of the rooms below."""
