"""The version of the API that this client was written from, and asks for.

Written from the API's description: `make client` does it anew.
"""

from typing import Final

API_VERSION: Final = "2026-11-01"
