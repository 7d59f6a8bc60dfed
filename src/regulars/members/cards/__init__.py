"""The member card: a code that changes every half minute, good once when it is checked online."""
