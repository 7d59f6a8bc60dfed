"""The devices of shops: enrolled by a code, known by a key, revoked from the console."""
