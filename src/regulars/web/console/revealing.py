"""One logged look at personal data: revealed for a purpose, then shown to who revealed it for a few minutes.

What was revealed stands sealed in a cookie of the browser that asked, tied to the session and to one member, or to what
else was looked at: loading the page again is the same look. When its time is over, or it is hidden, the page is masked
again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request
from litestar.datastructures import Cookie
from msgspec import Meta, Struct

from regulars.platform.auth.tokens import read_sealed, write_sealed
from regulars.platform.clock import wall_now
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.contracts import VaultBroken
from regulars.web.kit.kit import Kit
from regulars.web.kit.viewers import COOKIES, ViewerKind, viewer_of

COOKIE: Final = "rgl_staff_look"
SHOWN_FOR: Final = timedelta(minutes=5)
PERSONAL: Final = "members:personal"
_FIELD: Final = "revealed"
_NOBODY: Final = UUID(int=0)

AnyRequest = Request[Any, Any, Any]


class Purpose(Struct):
    """Why somebody looks at personal data."""

    purpose: Annotated[str, Meta(min_length=5, max_length=200)]


class Look(Struct, frozen=True):
    """A look that is logged: at whom or what, why, and until when the page shows it (seconds of the wall clock)."""

    about: UUID
    purpose: str
    until: int
    session: bytes

    @property
    def ends_at(self) -> datetime:
        """When it is over."""
        return datetime.fromtimestamp(self.until, wall_now().tzinfo)


@dataclass(frozen=True, slots=True)
class Looks:
    """Writes and reads looks; `path` is where the pages are that show what was revealed."""

    kit: Kit
    path: str

    def cookie(self, request: AnyRequest, about: UUID, purpose: str) -> Cookie:
        """Return what lets the page show something in the clear for some minutes; the caller has logged the look."""
        until = int((wall_now() + SHOWN_FOR).timestamp())
        look = Look(about, purpose, until, _session(request))
        sealed = seal(self._key, msgspec.json.encode(look), member_id=_NOBODY, field=_FIELD)
        return self._made(write_sealed(sealed), int(SHOWN_FOR.total_seconds()))

    def hidden(self) -> Cookie:
        """Return what ends a look."""
        return self._made("", 0)

    def at(self, request: AnyRequest, about: UUID) -> Look | None:
        """Return the look at a member or at something else under which a request comes; None without one (any more)."""
        sealed = read_sealed(request.cookies.get(COOKIE, ""))
        if not sealed or not viewer_of(request).may(PERSONAL):
            return None
        try:
            content = unseal(self._key, sealed, member_id=_NOBODY, field=_FIELD)
            look = msgspec.json.decode(content, type=Look)
        except (VaultBroken, msgspec.MsgspecError):
            return None
        is_this = look.about == about and look.session == _session(request)
        return look if is_this and wall_now().timestamp() < look.until else None

    @property
    def _key(self) -> bytes:
        return key_for(self.kit.services.vault.pepper, _FIELD)

    def _made(self, value: str, seconds: int) -> Cookie:
        return Cookie(
            COOKIE,
            value=value,
            max_age=seconds,
            path=self.path,
            secure=self.kit.secure_cookies,
            httponly=True,
            samesite="strict",
        )


def _session(request: AnyRequest) -> bytes:
    """Return what tells this session from every other, also of the same person."""
    return sha256(request.cookies.get(COOKIES[ViewerKind.STAFF], "").encode()).digest()
