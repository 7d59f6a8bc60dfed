"""The kit on which every page stands: layout, macros, rendering, listings, forms, guards, assets, and their gallery."""
