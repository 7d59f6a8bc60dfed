"""The store screen: what an assistant uses at the counter."""
