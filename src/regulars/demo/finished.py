"""That a replay is over and what its year came to: kept, so that a demo that is started again need not walk it anew.

The figures are those of the year's end, so they stay true whatever is posted since: they are written in the transaction
that ends the replay, and read ever after. Whether the books balance is no such figure, as anything posted since, or a
hand in the database, may have spoilt them: what is kept of that is what the latest proof found.
"""

from hashlib import file_digest, sha256

import msgspec

from regulars.demo import store
from regulars.demo.dataset import data_file
from regulars.demo.programme import Programme
from regulars.demo.summary import Summary
from regulars.platform.db.transaction import Transaction


class Finished(msgspec.Struct, frozen=True):
    """A finished replay: its year's figures, and whether the books balanced when they were last proven."""

    summary: Summary
    books_balanced: bool


def input_of(programme: Programme) -> str:
    """Return a digest of all that a replay follows from, and of what is told of it: the data, the rules, the figures.

    A replay of other data, or by other rules, is another one: it is not over because this one is.
    """
    with data_file().open("rb") as data:
        digest = file_digest(data, sha256)
    digest.update(msgspec.json.encode((programme, Summary.__struct_fields__), order="deterministic"))
    return digest.hexdigest()


async def read(tx: Transaction, programme: Programme, replayed: str) -> Finished | None:
    """Return the finished replay of an input, if this database holds it."""
    found = await store.read_finished(tx, programme.name, replayed)
    return found and Finished(msgspec.convert(found[0], Summary), found[1])


def record(tx: Transaction, programme: Programme, replayed: str, summary: Summary) -> None:
    """Record that a replay is over. Its books are still to be proven."""
    store.write_finished(tx, programme.name, replayed, msgspec.json.encode(summary))


def record_proof(tx: Transaction, programme: Programme, *, balanced: bool) -> None:
    """Record what a proof of the books found."""
    store.write_proof(tx, programme.name, balanced=balanced)
