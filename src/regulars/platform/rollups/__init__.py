"""Roll-ups: sums of whole days, kept beside the facts they follow from, and recomputed when facts are learned."""
