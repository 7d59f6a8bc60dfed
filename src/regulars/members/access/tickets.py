"""Tickets: who wants in, sealed for the browser that asked, so that no address waits in the database."""

from base64 import b64decode, urlsafe_b64encode
from hmac import compare_digest, digest
from secrets import randbelow
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from regulars.members.access.limits import CODE_DIGITS
from regulars.members.contracts import IdentityKind
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.contracts import VaultBroken

_FIELD: Final = "access ticket"
_ID_BYTES: Final = 16
_LONGEST: Final = 2_000


class Asked(Struct, frozen=True):
    """What a ticket carries. Personal data: never logged."""

    kind: IdentityKind
    canonical: str
    written: str
    market: str
    language: str

    def __repr__(self) -> str:
        return "Asked(…)"


def new_code() -> str:
    """Return six random digits."""
    return f"{randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def code_hash(pepper: bytes, ticket_id: UUID, code: str) -> bytes:
    """Return what is kept of a code: nothing by which it could be tried without the pepper, or for another ticket."""
    return digest(key_for(pepper, "access code"), ticket_id.bytes + code.encode(), "sha256")


def is_code(pepper: bytes, ticket_id: UUID, typed: str, kept: bytes) -> bool:
    """Say whether what was typed, spaces apart, is the code."""
    return compare_digest(code_hash(pepper, ticket_id, "".join(typed[:20].split())), kept)


def write_ticket(pepper: bytes, ticket_id: UUID, asked: Asked) -> str:
    """Return a ticket for the browser."""
    sealed = seal(key_for(pepper, _FIELD), msgspec.json.encode(asked), member_id=ticket_id, field=_FIELD)
    return urlsafe_b64encode(ticket_id.bytes + sealed).decode()


def read_ticket(pepper: bytes, ticket: str) -> tuple[UUID, Asked] | None:
    """Return what a ticket of ours carries; None if it is none."""
    if len(ticket) > _LONGEST:
        return None
    try:
        content = b64decode(ticket, altchars=b"-_", validate=True)
        ticket_id = UUID(bytes=content[:_ID_BYTES])
        opened = unseal(key_for(pepper, _FIELD), content[_ID_BYTES:], member_id=ticket_id, field=_FIELD)
    except (ValueError, VaultBroken):
        return None
    return ticket_id, msgspec.json.decode(opened, type=Asked)
