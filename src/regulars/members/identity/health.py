"""How the members' keys stand, for whoever looks after the deployment."""

from pathlib import Path

from regulars.members.identity import store
from regulars.platform.db.transaction import Transaction
from regulars.platform.health.contracts import Looked, Sentence, State
from regulars.platform.health.looks import Look
from regulars.platform.texts import mark
from regulars.platform.vault.local import fingerprint_in


def look_at_members_keys(folder: Path) -> Look:
    """Is the vault in the folder the one with which this database's members were written?"""

    async def look(tx: Transaction) -> Looked:
        tied, found = await store.tied_vault(tx), fingerprint_in(folder)
        where = {"folder": str(folder)}
        if tied is None:
            return Looked(name="keys", state=State.WELL, said=Sentence(mark("no process has served this database yet")))
        if found == tied:
            said = Sentence(mark("{folder} holds the keys of this database's members"), where)
            return Looked(name="keys", state=State.WELL, said=said)
        said = Sentence(mark("{folder} does not hold the keys of this database's members: nothing is served"), where)
        remedy = Sentence(
            mark("Put their vault and the latest vault.erasures back, or point REGULARS_HOME to them: docs/backup.md.")
        )
        return Looked(name="keys", state=State.TROUBLE, said=said, remedy=remedy)

    return look
