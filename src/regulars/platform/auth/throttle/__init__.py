"""Attempts counted before they are made, so that guessing gets slower, whichever process is asked."""
