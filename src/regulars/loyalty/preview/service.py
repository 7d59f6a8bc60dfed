"""Previews: who is touched when a policy comes, and what real orders would have earned by it.

The same members are asked for, and the same books decide, as when a version comes into force (`loyalty/arrivals`): once
with the policy, once without. Nothing of it is written but the list. A preview is a report: computed in the background,
slice by slice, each over some thousand members in one snapshot; it shows how far it has come and can be stopped.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from regulars.loyalty.arrivals import service as arrivals
from regulars.loyalty.drafts.service import read_draft, read_revisions
from regulars.loyalty.errors import UnknownPreview
from regulars.loyalty.ledger.books import open_books
from regulars.loyalty.ledger.needs import Needs
from regulars.loyalty.policy.contracts import Policy, PolicyVersion
from regulars.loyalty.policy.errors import VersionInForce, VersionWithdrawn
from regulars.loyalty.policy.rules import business_date
from regulars.loyalty.policy.service import Configuration, list_policies, read_version, require_reach, supposed
from regulars.loyalty.preview import looking, store
from regulars.loyalty.preview.contracts import (
    TOUCHES,
    AskPreview,
    Backtest,
    Corrections,
    Preview,
    PreviewSubject,
    TierFlow,
    Touch,
    TouchedMember,
)
from regulars.loyalty.tiers.rules import code_of
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id
from regulars.platform.markets.service import list_markets
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import Done, Kind, More, Parameters, Report
from regulars.platform.reports.tasks import compute_report

KIND: Final = "policy_preview"
MEMBERS_AT_ONCE: Final = 1_000
DAYS: Final = timedelta(days=90)
FARTHEST: Final = timedelta(days=3_700)  # no review lies farther ahead than a policy's months and grace
NO_LIMIT: Final = 10**15
FORGOTTEN_AFTER: Final = reports.KEPT + timedelta(days=1)


class Asked(Struct, frozen=True):
    """A preview as its report's parameters keep it; `preview` is under what its members are listed."""

    preview: UUID
    draft: UUID | None
    revision: int
    version: int | None
    at: datetime | None
    first: date | None
    last: date | None


class Sums(Struct):
    """How far a preview has come, and what it has counted by then."""

    after: UUID
    at: datetime
    first: date
    last: date
    every: int
    seen: int = 0
    flows: dict[str, int] = {}
    orders: dict[str, list[int]] = {}
    corrections: tuple[int, int, int] = (0, 0, 0)


@dataclass(slots=True)
class Trial:
    """A policy that is tried out as `tried`, and both configurations: without it and with it."""

    tried: Policy
    without: Configuration
    with_it: Configuration


async def ask(tx: Transaction, kind: Kind, command: AskPreview) -> Report:
    """Ask for a preview. Raises UnknownDraft, UnknownVersion (404), NotFound where neither is named.

    Only what is to come is tried out: VersionInForce, VersionWithdrawn (409) of a version that came or never will;
    InstantTooFar (422) beyond ten years.
    """
    if command.active_from is not None:
        require_reach(command.active_from, tx.now)
    revision = 0
    if command.draft_id is not None:
        revision = (await read_draft(tx, command.draft_id)).revision
    elif command.version is not None:
        _require_to_come(await read_version(tx, command.version))
    else:
        raise NotFound
    named = command.draft_id, revision, command.version
    asked = Asked(new_id(), *named, command.active_from, command.first, command.last)
    parameters: Parameters = msgspec.to_builtins(asked)
    return await reports.ask(tx, compute_report, kind, parameters, by=command.actor)


def _require_to_come(version: PolicyVersion) -> None:
    if version.state == "withdrawn":
        raise VersionWithdrawn(version=version.version)
    if version.state != "scheduled":
        at = version.active_from
        raise VersionInForce(version=version.version, active_from=at.isoformat() if at else "")


async def read(tx: Transaction, preview_id: UUID) -> Report:
    """Return a preview as it stands. Raises UnknownPreview (404)."""
    try:
        found = await reports.read_report(tx, preview_id)
    except NotFound:
        raise UnknownPreview from None
    if found.kind != KIND:
        raise UnknownPreview
    return found


async def latest_of(tx: Transaction, *, draft_id: UUID | None = None, version: int | None = None) -> Report | None:
    """Return the last preview of a draft or a version that was asked for, of those that are still kept."""
    for report in await reports.list_reports(tx, Kind(KIND, slice_of), limit=50):
        asked = asked_of(report)
        if (asked.draft, asked.version) == (draft_id, version):
            return report
    return None


def asked_of(report: Report) -> Asked:
    """Return what was asked for."""
    return msgspec.convert(report.parameters, Asked)


async def members(
    tx: Transaction,
    report: Report,
    *,
    kind: Touch | None = None,
    to_tier: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[TouchedMember]:
    """Return the members whom a preview found, by id, from behind `after`."""
    asked = asked_of(report)
    tiers = (await policy_of(tx, asked)).tier
    codes = [tier.code for tier in tiers.tiers]
    rank = codes.index(to_tier) if to_tier in codes else None
    if to_tier is not None and rank is None:
        return []
    rows = await store.read_members(
        tx, asked.preview, kind=kind, to_tier=rank, after=after or arrivals.NOBODY, limit=limit
    )
    return [
        TouchedMember(row[0], _touch(row[1]), code_of(tiers, row[2]), code_of(tiers, row[3]), *row[4:]) for row in rows
    ]


async def subject_of(tx: Transaction, report: Report) -> PreviewSubject:
    """Return what a preview is about."""
    asked = asked_of(report)
    name = "" if asked.draft is None else (await read_draft(tx, asked.draft)).name
    return PreviewSubject(asked.draft, asked.version, name, await policy_of(tx, asked))


async def policy_of(tx: Transaction, asked: Asked) -> Policy:
    """Return the policy that a preview is about."""
    if asked.draft is not None:
        revisions = await read_revisions(tx, asked.draft)
        return next(one.policy for one in revisions if one.revision == asked.revision)
    return (await read_version(tx, asked.version or 0)).policy()


async def slice_of(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    """Look at the next members; the last slice returns the preview."""
    asked = msgspec.convert(parameters, Asked)
    sums = await _begin(tx, asked) if carry is None else msgspec.convert(carry, Sums)
    trial = await _trial(tx, asked, sums.at)
    until = await arrivals.next_span(tx, sums.after, MEMBERS_AT_ONCE)
    span = sums.after, until
    await _touches(tx, asked, sums, trial, span)
    days = sums.first, sums.last
    for market, rank, *counted in await store.backtest(tx, span, days, trial.without.policies, trial.tried):
        key = f"{market}|{rank}"
        sums.orders[key] = [a + b for a, b in zip(sums.orders.get(key, [0] * len(counted)), counted, strict=True)]
    limits = [_limit(trial.without.policies[-1]), _limit(trial.tried)]
    more = await store.corrections(tx, span, days, *limits)
    every, now, then = sums.corrections
    sums.corrections = every + more[0], now + more[1], then + more[2]
    sums.after, sums.seen = until, min(sums.seen + MEMBERS_AT_ONCE, sums.every)
    if until != arrivals.EVERYBODY:
        return More(sums.seen, sums.every, msgspec.to_builtins(sums))
    return Done(msgspec.to_builtins(await _result(tx, sums, trial)))


async def _begin(tx: Transaction, asked: Asked) -> Sums:
    """Settle the instant and the days: the same for every slice."""
    at = asked.at
    if asked.version is not None:
        at = (await read_version(tx, asked.version)).active_from
    latest = [one.active_from for one in await list_policies(tx) if one.active_from is not None]
    if asked.version is None:
        at = max([at or tx.now, tx.now, *[one + timedelta(microseconds=1) for one in latest]])
    zones = [market.time_zone for market in await list_markets(tx)]
    last = asked.last or business_date(tx.now, zones[0] if zones else "UTC")
    first = asked.first or last - DAYS
    return Sums(arrivals.NOBODY, at or tx.now, first, last, await store.count_books(tx))


async def _trial(tx: Transaction, asked: Asked, at: datetime) -> Trial:
    policies = await list_policies(tx)
    tried = await policy_of(tx, asked)
    if asked.version is None:
        tried = structs.replace(tried, version=max([one.version for one in policies], default=0) + 1, active_from=at)
    before = [one for one in policies if one.version < tried.version]
    return Trial(tried, await supposed(tx, before), await supposed(tx, [*before, tried], lifting=tried.version))


async def _touches(tx: Transaction, asked: Asked, sums: Sums, trial: Trial, span: tuple[UUID, UUID]) -> None:
    turn = next((one for one in trial.with_it.turns if one.version == trial.tried.version), None)
    ids = set(await arrivals.touched(tx, turn, *span)) if turn is not None else set()
    if not ids:
        return
    needs = Needs(until=sums.at + FARTHEST, members=ids)
    without = await open_books(tx, trial.without, needs, lock=False)
    with_it = await open_books(tx, trial.with_it, needs, lock=False)
    found = [
        touched
        for member in sorted(ids)
        if (touched := looking.touch(without.book(member), with_it.book(member), trial.tried, sums.at)) is not None
    ]
    for _, kind, before, after, *_ in found:
        key = f"{kind}|{before}|{after}"
        sums.flows[key] = sums.flows.get(key, 0) + 1
    if found:
        store.insert(tx, asked.preview, wall_now(), found)


async def _result(tx: Transaction, sums: Sums, trial: Trial) -> Preview:
    tiers = trial.tried.tier
    flows = []
    for key in sorted(sums.flows):
        kind, before, after = key.split("|")
        names = code_of(tiers, int(before)), code_of(tiers, int(after))
        flows.append(TierFlow(kind=_touch(kind), from_tier=names[0], to_tier=names[1], members=sums.flows[key]))
    counted = {kind: sum([flow.members for flow in flows if flow.kind == kind]) for kind in TOUCHES}
    currencies = {market.code: market.currency for market in await list_markets(tx)}
    orders = []
    for key in sorted(sums.orders):
        market, rank = key.split("|")
        every, paid, points, points_then, growth, growth_then, cost = sums.orders[key]
        orders.append(
            Backtest(
                market=market,
                currency=currencies.get(market, ""),
                tier=code_of(tiers, int(rank)),
                orders=every,
                paid_minor=paid,
                points=points,
                points_then=points_then,
                growth=growth,
                growth_then=growth_then,
                cost_minor=cost,
                cost_minor_then=points_then * trial.tried.payment.point_value_minor,
            )
        )
    every, now, then = sums.corrections
    return Preview(
        active_from=sums.at.astimezone(UTC),
        members=sums.every,
        flows=flows,
        first=sums.first,
        last=sums.last,
        orders=orders,
        corrections=Corrections(corrections=every, need_two=now, need_two_then=then),
        **counted,
    )


def _limit(policy: Policy) -> int:
    limit = policy.adjustments.approve_above
    return NO_LIMIT if limit is None else limit


def _touch(text: Any) -> Touch:  # noqa: ANN401 - what the database holds
    return next(kind for kind in TOUCHES if kind == text)


async def forget(tx: Transaction, at_most: int) -> bool:
    """Delete the lists of previews that are forgotten themselves; returns whether there may be more."""
    return await store.forget(tx, wall_now() - FORGOTTEN_AFTER, at_most)
