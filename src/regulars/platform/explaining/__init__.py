"""Why: what was decided, by which rule and version, from which values, as data and as sentences."""
