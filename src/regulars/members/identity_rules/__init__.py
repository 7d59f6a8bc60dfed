"""Rules about identities, in versions: how many a member may hold, which are nobody's, which speak for one person."""
