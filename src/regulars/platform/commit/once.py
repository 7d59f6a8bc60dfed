"""A form that is sent twice does what it asks for once, and is audited once: pages keep where it led, as lanes answers.

The form carries a key that was made when it was shown. What is sent under it again, with the same in it, by the same
person, within the 24 hours that answers are kept, is led to the same place; what was refused left nothing and is tried
anew, and with something else in it the form is another one.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from regulars.platform.commit import store
from regulars.platform.commit.store import StoredAnswer
from regulars.platform.db.transaction import Transaction

_SEE_OTHER: Final = 303


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it was sent: by whom (`staff:stf_…`), under which key (empty: it has none), where to and with what."""

    client: str
    key: str
    content: bytes

    async def led_to(self, tx: Transaction) -> str | None:
        """Return where this very form led before, else None; until the transaction ends nobody else carries it out."""
        if not self.key:
            return None
        found = await store.recall_locked(tx, self._owner)
        return found.body.decode() if found is not None and found.request_hash == self._hash else None

    async def leads_to(self, tx: Transaction, path: str) -> None:
        """Keep where the form led, in the transaction that carries it out; one that was another before stays that."""
        if self.key and await store.recall_locked(tx, self._owner) is None:
            store.remember(tx, [(self._owner, StoredAnswer(self._hash, _SEE_OTHER, path.encode()))])

    @property
    def _owner(self) -> tuple[str, str]:
        return self.client, f"form:{self.key}"

    @property
    def _hash(self) -> bytes:
        return blake2b(self.content, digest_size=32).digest()
