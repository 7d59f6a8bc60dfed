"""Who may sign in to the demo: one of staff for each role, and a member of each tier; all of them invented.

Staff share one password, made at random at the first run and kept beside the data, and have no second factor: this
is a demo on one machine. Accounts that somebody invites have one.
"""

from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from regulars.demo.facts import member_id_of
from regulars.members import api as members
from regulars.members.contracts import AddIdentity, ChangeProfile, IdentityKind, IdentityValue, ProfileChange
from regulars.platform.auth.staff.contracts import NewAccount
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.permissions import BOUND_TO_STORES, Role
from regulars.platform.auth.staff.service import add_demo_account
from regulars.platform.db.database import Database
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault
from regulars.platform.vault.files import secret

PASSWORD_FILE: Final = "demo-password.key"  # noqa: S105 - a file's name
_NAMED_AT_ONCE: Final = 500
_GIVEN: Final = (
    "Ada", "Ben", "Carla", "Daniel", "Elena", "Frank", "Grace", "Hugo", "Ines", "Jonas", "Karen", "Leo", "Mia",
    "Noah", "Olga", "Paul", "Quinn", "Rosa", "Sam", "Tara", "Umar", "Vera", "Walter", "Xenia", "Yusuf", "Zoe",
)  # fmt: skip
_FAMILY: Final = (
    "Adams", "Brooks", "Chen", "Diaz", "Evans", "Fischer", "Garcia", "Huang", "Ito", "Jensen", "Khan", "Lewis",
    "Moreno", "Nguyen", "Ortiz", "Patel", "Quist", "Reyes", "Smith", "Torres", "Ueda", "Vogel", "Weber", "Xu",
    "Young", "Zhang",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the demo whom one may be: the household, the address, given and family name."""

    household: int
    email: str
    names: tuple[str, str]

    @property
    def name(self) -> str:
        """What they are called."""
        return " ".join(self.names)


# By the year's end they hold, from the first to the last, Diamond, Gold, Silver (78 growth short of Gold), Regular.
PEOPLE: Final = (
    Person(900, "member@demo.example", ("Olivia", "Bennett")),
    Person(485, "gold@demo.example", ("Maria", "Lopez")),
    Person(1627, "silver@demo.example", ("Tom", "Becker")),
    Person(1809, "regular@demo.example", ("Lin", "Xiao")),
)
NEAR_MISS: Final = PEOPLE[2]
# Who works there. Their addresses say their role, so that one knows whom to sign in as.
STAFF: Final[dict[Role, str]] = {
    Role.OWNER: "Helen Ward",
    Role.MARKETER: "Julia Stone",
    Role.COMMUNITY: "Mei Tanaka",
    Role.CARE: "Anna Novak",
    Role.FINANCE: "Peter Lang",
    Role.STORE_MANAGER: "Marcus Reid",
    Role.ASSISTANT: "Nora Kim",
    Role.AUDITOR: "Ruth Keller",
}
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
    database: Database,
    vault: Vault,
    settings: Settings,
    *,
    stores: tuple[str, ...],
    people: Sequence[Person] = PEOPLE,
) -> None:
    """Make the accounts, and let the members be found by an address; doing it again changes nothing."""
    password_hash = await PasswordHashing().hash(demo_password(settings))
    async with database.transaction(actor="demo") as tx:
        for role in Role:
            wish = NewAccount(
                email=staff_email(role),
                name=STAFF[role],
                roles=(role,),
                stores=stores if role in BOUND_TO_STORES else None,
            )
            await add_demo_account(tx, wish, password_hash)
        for person in people:
            value = IdentityValue(IdentityKind.EMAIL, person.email)
            await members.add_identity(tx, vault, AddIdentity(member_id=member_id_of(person.household), identity=value))
            await members.prove_email(
                tx, vault, member_id_of(person.household), person.email
            )  # so that letters go there


async def name_everybody(database: Database, vault: Vault, households: Sequence[int]) -> None:
    """Give each household a name, invented from its number; who has one keeps it."""
    own = {person.household: person for person in PEOPLE}
    for start in range(0, len(households), _NAMED_AT_ONCE):
        some = households[start : start + _NAMED_AT_ONCE]
        async with database.transaction(actor="demo") as tx:
            known = await members.read_profiles(tx, vault, [member_id_of(one) for one in some], clear=False)
            for household in some:
                found = known.get(member_id_of(household))
                if found is not None and found.version:
                    continue
                given, family = own[household].names if household in own else invented_name(household)
                change = ProfileChange(given_name=given, family_name=family)
                await members.change_profile(tx, vault, ChangeProfile(member_id=member_id_of(household), change=change))


def invented_name(household: int) -> tuple[str, str]:
    """Return a given and a family name that follow from a household's number."""
    digest = sha256(f"name:{household}".encode()).digest()
    return _GIVEN[digest[0] % len(_GIVEN)], _FAMILY[digest[1] % len(_FAMILY)]
