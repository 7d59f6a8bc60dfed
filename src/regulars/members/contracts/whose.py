"""Whose a row of a file is: a member's id, or what the member is found by."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from regulars.members.contracts import IdentityKind
from regulars.platform.imports.contracts import Field

FOUND_BY: Final = tuple(kind.value for kind in IdentityKind)
WHOSE: Final = {"member_id": Field(), **{name: Field(personal=True) for name in FOUND_BY}}

Named = Annotated[str, Meta(max_length=320)] | None


class Whose(Struct, frozen=True, kw_only=True):
    """What a row says of its member; of several values the first counts. `market` says how phone numbers are read."""

    member_id: str | None = None
    phone: Named = None
    email: Named = None
    card: Named = None
    external: Named = None
    openid: Named = None
    market: str | None = None
