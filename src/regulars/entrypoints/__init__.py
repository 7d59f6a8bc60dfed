"""Wiring only: the command line, the web process, the worker."""
