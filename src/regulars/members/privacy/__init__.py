"""Privacy: erasing members, telling them everything, and who looked at whom."""
