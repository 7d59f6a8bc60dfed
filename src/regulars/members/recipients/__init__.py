"""Whom a member means who gives something away: found by what they know of the other, counted, nothing told."""
