"""Accounts of staff, as owners manage them. Whether the caller may, pages and commands ask before (`Viewer.may`)."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from regulars.platform import clock
from regulars.platform.auth.staff import store
from regulars.platform.auth.staff.contracts import Account, Invitation, NewAccount, Status
from regulars.platform.auth.staff.errors import AccountDisabled, LastOwner, NotOnYourself, StaffEmailTaken
from regulars.platform.auth.staff.limits import LINK_LASTS
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.auth.staff.rules import email_in, email_sought, name_fault, roles_fault
from regulars.platform.auth.staff.sessions import note
from regulars.platform.auth.tokens import hash_of, new_token
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id


async def list_accounts(tx: Transaction) -> list[Account]:
    """Return every account by name, disabled ones included."""
    return await store.select_accounts(tx)


async def read_account(tx: Transaction, staff_id: UUID) -> Account:
    """Return an account. Raises NotFound."""
    account = await store.select_account(tx, staff_id)
    if account is None:
        raise NotFound
    return account


async def is_disabled(tx: Transaction, staff_id: UUID) -> bool:
    """Return whether an account is disabled."""
    return await store.is_disabled(tx, staff_id)


async def invite(tx: Transaction, wish: NewAccount) -> Invitation:
    """Give somebody an account and a one-time link to it. Raises what is wrong with the wish, StaffEmailTaken (409)."""
    account = await _made(tx, wish, Status.INVITED)
    if account is None:
        raise StaffEmailTaken(pointer="/email")
    return _with_link(tx, account)


async def renew_link(tx: Transaction, staff_id: UUID) -> Invitation:
    """Make a one-time link by which an account gets a new password and second factor; earlier links are dead.

    Until the link is followed to its end everything stays as it is. Raises NotFound, AccountDisabled (409).
    """
    account = await _locked(tx, staff_id)
    if account.status is Status.DISABLED:
        raise AccountDisabled
    return _with_link(tx, account)


async def change_access(
    tx: Transaction,
    staff_id: UUID,
    *,
    by: UUID | None,
    name: str,
    language: str,
    roles: Sequence[Role],
    stores: Sequence[str] | None,
) -> Account:
    """Change what an account may do and see; it holds from its next request on. `by` None is the command line.

    Raises NotFound, NotOnYourself, LastOwner (409), RolesMissing, StoresMissing, StaffNameImpossible (422).
    """
    owners = await store.lock_owners(tx)
    account = await _locked(tx, staff_id)
    changed = replace(account, name=name.strip(), language=language, roles=_ordered(roles), stores=_sorted(stores))
    if problem := name_fault(changed.name) or roles_fault(changed.roles, changed.stores):
        raise problem
    if (changed.roles, changed.stores) != (account.roles, account.stores):
        if by == staff_id:
            raise NotOnYourself
        _keep_an_owner(owners, changed)
    store.update_access(tx, changed)
    note(tx, staff_id, "change_staff_access", actor=tx.actor, detail=_access(changed))
    return changed


async def set_language(tx: Transaction, staff_id: UUID, language: str) -> None:
    """Set the language in which somebody of staff is spoken to."""
    tx.write(store.UPDATE_LANGUAGE, (language, staff_id))


async def disable(tx: Transaction, staff_id: UUID, *, by: UUID | None) -> Account:
    """Shut an account out at once: its sessions end, its links are dead. Raises NotFound, NotOnYourself, LastOwner."""
    owners = await store.lock_owners(tx)
    account = replace(await _locked(tx, staff_id), status=Status.DISABLED)
    if by == staff_id:
        raise NotOnYourself
    _keep_an_owner(owners, account)
    store.update_access(tx, account)
    tx.write(store.END_LINKS, (clock.wall_now(), staff_id))
    await store.delete_sessions(tx, staff_id)
    note(tx, staff_id, "disable_staff", actor=tx.actor)
    return account


async def enable(tx: Transaction, staff_id: UUID) -> Account:
    """Let an account in again that was shut out, with the password and the second factor it had. Raises NotFound."""
    secrets = await store.select_secrets(tx, staff_id, lock=True)
    if secrets is None:
        raise NotFound
    if secrets.account.status is not Status.DISABLED:
        return secrets.account
    status = Status.ACTIVE if secrets.password_hash is not None else Status.INVITED
    account = replace(secrets.account, status=status)
    store.update_access(tx, account)
    note(tx, staff_id, "enable_staff", actor=tx.actor)
    return account


async def add_demo_account(tx: Transaction, wish: NewAccount, password_hash: str) -> None:
    """Make an account of the demo, with a password and no second factor, or give the one there is this password.

    An account that is not the demo's is left alone.
    """
    account = await _made(tx, wish, Status.ACTIVE)
    if account is None:
        tx.write(store.UPDATE_DEMO_HASH, (password_hash, email_sought(wish.email)))
    else:
        tx.write(store.UPDATE_SECRETS, (password_hash, None, "demo", account.staff_id))


async def _made(tx: Transaction, wish: NewAccount, status: Status) -> Account | None:
    """Make an account; None if its address is taken."""
    email = email_in(wish.email)
    if isinstance(email, DomainError):
        raise email
    roles, stores = _ordered(wish.roles), _sorted(wish.stores)
    if problem := name_fault(wish.name) or roles_fault(roles, stores):
        raise problem
    account = Account(
        staff_id=new_id(),
        email=email,
        name=wish.name.strip(),
        language=wish.language,
        status=status,
        roles=roles,
        stores=stores,
        has_second_factor=False,
        created_at=clock.wall_now(),
    )
    if not await store.insert_account(tx, account):
        return None
    note(tx, account.staff_id, "add_staff", actor=tx.actor, detail=_access(account))
    return account


def _with_link(tx: Transaction, account: Account) -> Invitation:
    now, token = clock.wall_now(), new_token()
    tx.write(store.END_LINKS, (now, account.staff_id))
    tx.write(store.INSERT_LINK, (hash_of(token), account.staff_id, now + LINK_LASTS))
    note(tx, account.staff_id, "make_staff_link", actor=tx.actor)
    return Invitation(account=account, token=token, expires_at=now + LINK_LASTS)


async def _locked(tx: Transaction, staff_id: UUID) -> Account:
    secrets = await store.select_secrets(tx, staff_id, lock=True)
    if secrets is None:
        raise NotFound
    return secrets.account


def _keep_an_owner(owners: set[UUID], changed: Account) -> None:
    """Refuse what would leave no owner. Two owners who demote one another at once: the second waits, and is refused."""
    stays = Role.OWNER in changed.roles and changed.status is Status.ACTIVE
    if not stays and owners == {changed.staff_id}:
        raise LastOwner


def _ordered(roles: Sequence[Role]) -> tuple[Role, ...]:
    return tuple(role for role in Role if role in roles)


def _sorted(stores: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if stores is None else tuple(sorted(set(stores)))


def _access(account: Account) -> str:
    stores = "all stores" if account.stores is None else "stores " + " ".join(account.stores)
    return f"{' '.join(account.roles)}; {stores}"
