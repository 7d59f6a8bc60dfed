"""Events as the world outside sees them: stable names, public ids, one envelope (CloudEvents 1.0)."""
