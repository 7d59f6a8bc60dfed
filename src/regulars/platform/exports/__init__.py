"""Exports: whole tables as the world outside reads them, of one instant, in steps, for a day or a week."""
