"""Whether somebody was shut out since: what was asked for earlier and goes on without them asks this."""

from typing import Final

from regulars.platform.auth import store as keys
from regulars.platform.auth.contracts import KEY_PREFIX, STAFF_PREFIX
from regulars.platform.auth.staff import service as accounts
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import parse_public_id

_ASKED: Final = {"key": (KEY_PREFIX, keys.is_revoked), "staff": (STAFF_PREFIX, accounts.is_disabled)}


async def is_shut_out(tx: Transaction, actor: str) -> bool:
    """Return whether an actor is a key that was revoked, or an account that is disabled.

    A key that has expired is not shut out: nobody decided against what it asked for in its time.
    """
    kind, _, public = actor.partition(":")
    if kind not in _ASKED:
        return False
    prefix, ask = _ASKED[kind]
    found = parse_public_id(prefix, public)
    return found is not None and await ask(tx, found)
