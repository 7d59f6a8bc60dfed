"""Operations on operations, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from regulars_client.blocking.transport import Group
from regulars_client.calls import Call


class Operations(Group):
    """Operations on operations."""

    def get_health(self) -> dict[str, str]:
        """Is the process alive?

        Answer as long as the process lives, whatever the database does.
        """
        return self._transport.call(Call("GET", "/health", dict[str, str]))

    def get_readiness(self) -> dict[str, str]:
        """May it be used?

        Answer 200 when the database answers and is migrated and the programme clock is known, else 503.

        So does a process that was told to end, at once.
        """
        return self._transport.call(Call("GET", "/ready", dict[str, str]))
