"""What is said after something was done: kept in a cookie over the redirect, shown once, then gone.

It is sealed with a key of the deployment, so nobody else can put words onto our pages.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
from litestar.datastructures import Cookie

from regulars.platform.texts import say

COOKIE: Final = "rgl_notice"
_SECONDS: Final = 60

NoticeTone = Literal["success", "info", "warning", "error"]


class Notice(msgspec.Struct, frozen=True):
    """A marked sentence with the values of its placeholders."""

    sentence: str
    tone: NoticeTone = "success"
    values: dict[str, Any] = {}

    def said(self, language: str) -> str:
        """Return the sentence in a language, filled."""
        return say(self.sentence, language, **self.values)


@dataclass(frozen=True, slots=True)
class Notices:
    """Seals and reads notices."""

    key: bytes = field(repr=False)

    def cookie(self, notice: Notice, *, secure: bool) -> Cookie:
        """Return the cookie that carries a notice to the next page."""
        body = msgspec.json.encode(notice)
        value = urlsafe_b64encode(self._seal(body) + body).decode()
        return Cookie(COOKIE, value=value, max_age=_SECONDS, path="/", secure=secure, httponly=True, samesite="lax")

    def read(self, cookies: Mapping[str, str]) -> Notice | None:
        """Return the notice of a request; None if there is none of ours."""
        try:
            sealed = urlsafe_b64decode(cookies[COOKIE].encode())
            seal, body = sealed[:32], sealed[32:]
            return msgspec.json.decode(body, type=Notice) if hmac.compare_digest(seal, self._seal(body)) else None
        except (KeyError, NotBase64, ValueError, msgspec.MsgspecError):
            return None

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self.key, body, sha256)


def gone() -> Cookie:
    """Return the cookie that ends a notice."""
    return Cookie(COOKIE, value="", max_age=0, path="/", httponly=True, samesite="lax")
