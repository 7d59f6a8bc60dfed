"""The web edge: reading requests, answering them, problems, mutations, scopes."""
