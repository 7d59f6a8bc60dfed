"""Who may sign in to the demo: one of staff for each role, and a member; all of them invented.

They share one password, made at random at the first run and kept beside the data, and have no second factor: this
is a demo on one machine. Accounts that somebody invites have one.
"""

from base64 import b32encode
from typing import Final

from regulars.demo.facts import member_id_of
from regulars.members import api as members
from regulars.members.contracts import AddIdentity, IdentityKind, IdentityValue
from regulars.platform.auth.staff.contracts import NewAccount
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.permissions import BOUND_TO_STORES, Role
from regulars.platform.auth.staff.service import add_demo_account
from regulars.platform.db.database import Database
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault
from regulars.platform.vault.files import secret

PASSWORD_FILE: Final = "demo-password.key"  # noqa: S105 - a file's name
MEMBER_EMAIL: Final = "member@demo.example"
_SECRET_BYTES: Final = 10
_GROUP: Final = 4


def staff_email(role: Role) -> str:
    """Return the address of the demo's one for a role."""
    return f"{role.value.replace('_', '-')}@demo.example"


def demo_password(settings: Settings) -> str:
    """Return the password of the demo's staff: 80 random bits, the same at every run."""
    letters = b32encode(secret(settings.home / PASSWORD_FILE)[:_SECRET_BYTES]).decode().lower()
    return "-".join([letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP)])


async def let_people_in(
    database: Database, vault: Vault, settings: Settings, *, household: int, stores: tuple[str, ...]
) -> None:
    """Make the accounts, and let the household be found by an address; doing it again changes nothing."""
    password_hash = await PasswordHashing().hash(demo_password(settings))
    async with database.transaction(actor="demo") as tx:
        for role in Role:
            wish = NewAccount(
                email=staff_email(role),
                name=role.value.replace("_", " ").capitalize(),
                roles=(role,),
                stores=stores if role in BOUND_TO_STORES else None,
            )
            await add_demo_account(tx, wish, password_hash)
        value = IdentityValue(IdentityKind.EMAIL, MEMBER_EMAIL)
        await members.add_identity(tx, vault, AddIdentity(member_id=member_id_of(household), identity=value))
