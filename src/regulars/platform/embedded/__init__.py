"""The embedded PostgreSQL: used when no DATABASE_URL is set. See docs/embedded.md."""

from regulars.platform.embedded.errors import EmbeddedError, StillStarting
from regulars.platform.embedded.server import EmbeddedServer, acquire, wait_until_stopped
from regulars.platform.embedded.wheel import binaries

__all__ = ["EmbeddedError", "EmbeddedServer", "StillStarting", "acquire", "binaries", "wait_until_stopped"]
