"""Walking along the chain from the first seal on, as far at a time as one likes: what has been found goes along."""

from itertools import islice

from msgspec import Struct

from regulars.platform.audit import rules
from regulars.platform.audit.contracts import Head
from regulars.platform.audit.rules import NO_HASH, Seal
from regulars.platform.audit.store import seals
from regulars.platform.db.transaction import Transaction

NAMED_AT_MOST = 100
_SEALS_AT_ONCE = 50


class Walk(Struct, kw_only=True):
    """How far somebody has come, and what was found; it can be written down and gone on with. Hashes in hexadecimal.

    `sealed_at` and `broken_at` are when the last and the first broken seal say that they were closed (RFC 3339).
    `gone` is how many entries were removed, of which `removed` names the first.
    """

    known_head: str = ""
    last_no: int = 0
    last_hash: str = NO_HASH.hex()
    sealed_at: str = ""
    seals: int = 0
    entries: int = 0
    broken_seal: int | None = None
    broken_at: str = ""
    gone: int = 0
    removed: list[int] = []
    changed: list[int] = []
    extends_known_head: bool | None = None

    @property
    def head(self) -> Head:
        """The end of what was walked."""
        return Head(self.last_no, self.last_hash)


def begun(known_head: Head | None) -> Walk:
    """Stand before the first seal; the chain must come by the known head, if there is one."""
    if known_head is None:
        return Walk()
    return Walk(known_head=str(known_head), extends_known_head=known_head == Head(0, NO_HASH.hex()))


async def walk_on(tx: Transaction, walk: Walk, *, until: int | None = None) -> bool:
    """Check the next seals, up to the number `until`; returns False at the end."""
    block = await seals.read_seals(tx, walk.last_no, _SEALS_AT_ONCE)
    for seal in block:
        if until is not None and seal.seal_no > until:
            return False
        await _check(tx, walk, seal)
    return bool(block)


async def _check(tx: Transaction, walk: Walk, seal: Seal) -> None:
    """Compare a seal with its predecessor, with itself and with its entries."""
    follows = seal.seal_no == walk.last_no + 1 and seal.previous_hash.hex() == walk.last_hash
    holds = seal.hash == rules.hash_of(seal) and await _entries_hold(tx, walk, seal)
    if not (follows and holds) and walk.broken_seal is None:
        walk.broken_seal, walk.broken_at = seal.seal_no, seal.sealed_at.isoformat()
    known = Head.parse(walk.known_head)
    if known is not None and known.seal_no == seal.seal_no:
        walk.extends_known_head = known.hash == seal.hash.hex() and walk.broken_seal is None
    walk.last_no, walk.last_hash, walk.sealed_at = seal.seal_no, seal.hash.hex(), seal.sealed_at.isoformat()
    walk.seals += 1
    walk.entries += len(seal.entry_ids)


async def _entries_hold(tx: Transaction, walk: Walk, seal: Seal) -> bool:
    entries = await seals.find_entries(tx, seal.entry_ids)
    sealed = dict(zip(seal.entry_ids, rules.split(seal.entry_digests), strict=True))
    removed = [entry_id for entry_id in sealed if entry_id not in entries]
    changed = [entry_id for entry_id, entry in entries.items() if rules.digest(entry) != sealed[entry_id]]
    walk.gone += len(removed)
    walk.removed += islice(removed, NAMED_AT_MOST - len(walk.removed))
    walk.changed += islice(sorted(changed), NAMED_AT_MOST - len(walk.changed))
    return not (removed or changed)
