"""Lists of one member's things take the member's id in their query, and all of them read it in the same way."""

from uuid import UUID

from regulars.platform.errors import InvalidInput
from regulars.platform.ids import parse_public_id
from regulars.platform.public_events.catalogue import MEMBER_PREFIX


class MemberIdUnreadable(InvalidInput):
    """What should be the id of a member is none."""

    code = "member_id_unreadable"
    status = 422
    message = "This is not the id of a member. One looks like mbr_ and 32 hexadecimal digits."


def member_filter(text: str | None, name: str = "member_id") -> UUID | None:
    """Read the id of the member whose things are wanted; None for everybody's. Raises MemberIdUnreadable (422).

    An id of nobody is an id: nothing is theirs.
    """
    if text is None:
        return None
    found = parse_public_id(MEMBER_PREFIX, text)
    if found is None:
        raise MemberIdUnreadable(pointer=f"/query/{name}")
    return found
