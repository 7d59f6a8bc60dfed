"""`regulars configure`: brings markets, wallets, stores and the loyalty policy to what a TOML file says."""

import re
import tomllib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import msgspec
from msgspec import Meta, Struct, structs

from regulars.commerce import api as commerce
from regulars.commerce.stores import service as stores
from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.reading import unknown_fields
from regulars.loyalty.policy.rules import active_at
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import Clock
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.markets import service as markets
from regulars.platform.markets.contracts import Market
from regulars.platform.texts import mark

ACTOR = "cli"
_STORES_AT_ONCE = 1000
_POSITION = re.compile(r"/([0-9]+)")

Effect = Literal["new", "changed", "unchanged"]


class ProgrammeFileError(Exception):
    """The file cannot be used; the sentence names the field and the remedy."""


class StoreSection(Struct, frozen=True, kw_only=True):
    """A store under the brand's own id."""

    store_id: str
    market: str
    name: Annotated[str, Meta(min_length=1, max_length=200)]


class PolicySection(loyalty.Policy, frozen=True, kw_only=True):
    """The loyalty policy. Without `active_from` it comes into force as soon as it can; its number is not its own."""

    active_from: Annotated[datetime, Meta(tz=True)] | None = None
    version: Annotated[int, Meta(ge=0, le=0)] = 0

    def policy(self) -> loyalty.Policy:
        """Return it as the ledger knows it."""
        names = [name for name in loyalty.Policy.__struct_fields__ if name not in {"active_from", "version"}]
        return loyalty.Policy(**{name: getattr(self, name) for name in names})


class ProgrammeFile(Struct, frozen=True, kw_only=True):
    """What a programme consists of; a part that is left out stays as it is in the database."""

    markets: list[Market] = []
    wallets: Annotated[list[loyalty.WalletRule], Meta(max_length=100)] = []
    stores: list[StoreSection] = []
    policy: PolicySection | None = None


class Change(Struct, frozen=True, kw_only=True):
    """What became of one part of the file; `said` tells it in words."""

    what: Literal["market", "wallet", "store", "policy"]
    name: str
    effect: Effect
    said: str


class _NothingKept(Exception):
    """Rolls a dry run back."""


def read_programme(path: Path) -> ProgrammeFile:
    """Read the file. Raises ProgrammeFileError, which names the field."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProgrammeFileError(f"{path} cannot be read: {error.strerror}. Check its name.") from error
    except UnicodeDecodeError as error:
        raise ProgrammeFileError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ProgrammeFileError(f"{path} is not TOML: {error}. Correct it.") from error
    try:
        programme = msgspec.convert(content, ProgrammeFile)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        field = place.strip("`").removeprefix("$").removeprefix(".")
        raise ProgrammeFileError(f"{path}: {field or 'the file'}: {problem}. Correct it.") from error
    for field in unknown_fields(content, msgspec.to_builtins(programme)):
        raise ProgrammeFileError(f"{path}: {field}: there is no such field. Correct its name, or leave it out.")
    for field in _repeated(programme):
        raise ProgrammeFileError(f"{path}: {field}: it is there twice. Leave one of them out.")
    return programme


async def configure(
    database: Database, programme: ProgrammeFile, *, reason: str = "", dry_run: bool = False, by: str = ACTOR
) -> list[Change]:
    """Bring the database to what the file says, in one transaction; a dry run does all of it and keeps nothing.

    Raises ProgrammeFileError for a part that contradicts itself or what is there; then nothing has changed.
    """
    changes: list[Change] = []
    try:
        async with database.transaction(actor=by) as tx:
            async for change, document in _apply(tx, database.clock, programme, reason):
                changes.append(change)
                if change.effect != "unchanged":
                    tx.audit(_entry(change, document, reason, by))
            await tx.flush()
            if dry_run:
                _keep_nothing()
    except _NothingKept:
        pass
    return changes


def _keep_nothing() -> NoReturn:
    raise _NothingKept


async def missing(tx: Transaction) -> list[str]:
    """Return what a programme needs before it can serve orders, and does not have."""
    lacking = []
    if not await markets.list_markets(tx):
        lacking.append(mark("no market"))
    if not await loyalty.list_wallets(tx):
        lacking.append(mark("no wallets"))
    policies = await loyalty.list_policies(tx)
    if not policies:
        lacking.append(mark("no policy"))
    elif active_at(policies, tx.now) is None:
        lacking.append(mark("no policy in force yet"))
    return lacking


Applied = AsyncIterator[tuple[Change, Any]]


async def _apply(tx: Transaction, clock: Clock, programme: ProgrammeFile, reason: str) -> Applied:
    async for applied in _markets(tx, programme.markets):
        yield applied
    async for applied in _wallets(tx, programme.wallets):
        yield applied
    async for applied in _stores(tx, programme.stores):
        yield applied
    if programme.policy is not None:
        with _naming("policy"):
            yield await _policy(tx, clock, programme.policy, reason)


async def _markets(tx: Transaction, wanted: Sequence[Market]) -> Applied:
    known = {market.code for market in await markets.list_markets(tx)}
    for position, market in enumerate(wanted):
        with _naming(f"markets[{position}]"):
            await markets.define_market(tx, market)
        effect: Effect = "unchanged" if market.code in known else "new"
        said = f"{market.country}, {market.currency}, {market.time_zone}, {market.language}, {market.privacy_regime}"
        yield Change(what="market", name=market.code, effect=effect, said=said), market


async def _wallets(tx: Transaction, wanted: Sequence[loyalty.WalletRule]) -> Applied:
    for position, wallet in enumerate(wanted):
        with _naming(f"wallets[{position}]"):
            defined = await loyalty.define_wallets(tx, [wallet])
        effect: Effect = "new" if defined else "unchanged"
        said = "qualifying" if wallet.qualifying else "spendable"
        yield Change(what="wallet", name=wallet.code, effect=effect, said=said), wallet


async def _stores(tx: Transaction, wanted: Sequence[StoreSection]) -> Applied:
    known = await _known_stores(tx) if wanted else {}
    for position, section in enumerate(wanted):
        shop = commerce.Store(section.store_id, section.market, section.name)
        before = known.get(shop.store_id)
        if before != shop:
            with _naming(f"stores[{position}]"):
                stores.store_id_in(shop.store_id)
                await commerce.define_stores(tx, [shop])
        effect: Effect = "new" if before is None else "unchanged" if before == shop else "changed"
        said = f"{shop.name} in {shop.market}"
        if before is not None and before != shop:
            said += f", before: {before.name}"
        yield Change(what="store", name=shop.store_id, effect=effect, said=said), shop


async def _known_stores(tx: Transaction) -> dict[str, commerce.Store]:
    known: dict[str, commerce.Store] = {}
    after = ""
    while page := await stores.list_stores(tx, after, _STORES_AT_ONCE):
        known.update({shop.store_id: shop for shop in page})
        after = page[-1].store_id
    return known


async def _policy(tx: Transaction, clock: Clock, section: PolicySection, reason: str) -> tuple[Change, loyalty.Policy]:
    versions = await loyalty.list_policies(tx)
    latest = versions[-1] if versions else None
    wanted = section.policy()
    active_from = section.active_from and section.active_from.astimezone(UTC)
    if latest is not None and active_from in {None, latest.active_from} and _same(wanted, latest):
        return _policy_change(latest, "unchanged"), latest
    if active_from is None:
        active_from = tx.now if latest is None else tx.now + loyalty.NOTICE
    elif latest is not None and active_from < tx.now:
        raise ProgrammeFileError(
            f"policy.active_from: a policy is in force already, and {active_from.isoformat()} has passed: books are "
            f"never decided anew. Name an instant after {tx.now.isoformat(timespec='seconds')}, or leave it out."
        )
    by = loyalty.Appending(by=tx.actor, reason=reason)
    if latest is None:
        return _policy_change(await loyalty.activate_policy(tx, wanted, active_from, by), "new"), wanted
    await loyalty.require_alone(tx)
    appended = await loyalty.schedule_version(tx, clock, wanted, active_from, by)
    return _policy_change(appended, "changed"), appended


def _policy_change(policy: loyalty.Policy, effect: Effect) -> Change:
    tiers = ", ".join([f"{tier.code} from {tier.threshold}" for tier in policy.tier.tiers])
    since = policy.active_from.isoformat(timespec="seconds") if policy.active_from else ""
    return Change(what="policy", name=f"version {policy.version}", effect=effect, said=f"from {since}: {tiers}")


def _same(wanted: loyalty.Policy, there: loyalty.Policy) -> bool:
    return structs.replace(wanted, version=there.version, active_from=there.active_from) == there


def _entry(change: Change, document: object, reason: str, by: str) -> AuditEntry:
    return AuditEntry(
        actor=by,
        action="activate_policy" if change.what == "policy" else f"define_{change.what}",
        subject=f"policy {change.name}" if change.what == "policy" else change.name,
        reason=reason,
        detail=msgspec.json.encode(document).decode(),
    )


@contextmanager
def _naming(field: str) -> Iterator[None]:
    """Let a refusal name the part of the file that it is about."""
    try:
        yield
    except DomainError as refusal:
        where = field + _POSITION.sub(r"[\1]", refusal.pointer or "").replace("/", ".")
        raise ProgrammeFileError(f"{where}: {refusal.message.format_map(refusal.data)}") from refusal


def _repeated(programme: ProgrammeFile) -> Iterator[str]:
    sections = {
        "markets": ("code", [market.code for market in programme.markets]),
        "wallets": ("code", [wallet.code for wallet in programme.wallets]),
        "stores": ("store_id", [shop.store_id for shop in programme.stores]),
    }
    for section, (field, names) in sections.items():
        for position, name in enumerate(names):
            if name in names[:position]:
                yield f"{section}[{position}].{field}"
