"""Telling members of points that are about to expire: once a step for each member and instant, in their daytime.

A step is a number of days before; each tells of what lies between it and the next smaller one, so that nobody is told
twice at a time. Each time zone has a place for each step, up to which everybody has been told; it moves on as days
pass. What enters a stretch that was told already (points given back by a return live 30 days more) is told by the
smaller steps only: the message about the return was.
"""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from regulars.engagement.channels import occasions, store
from regulars.engagement.contracts import ExpiringFacts
from regulars.loyalty import api as loyalty
from regulars.platform.db.programme_clock import read_setting
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import derived_id
from regulars.platform.markets.service import list_markets

AT_ONCE = 5_000
_FROM_HOUR, _TO_HOUR = 9, 20


async def tell_of_expiry(tx: Transaction, steps: Sequence[int], at_once: int = AT_ONCE) -> bool:
    """Note notices for members whose points expire within days of `steps`; returns whether there may be more.

    What is held for a purpose is not among them: it does not expire before it is let go. Nothing is told while a replay
    holds the programme clock. Raises NoActivePolicy (409).
    """
    setting = await read_setting(tx.connection)
    if not steps or (setting is not None and not setting.ticking):
        return False
    zones = {market.time_zone for market in await list_markets(tx)}
    awake = [zone for zone in sorted(zones) if _FROM_HOUR <= tx.now.astimezone(ZoneInfo(zone)).hour < _TO_HOUR]
    rising = sorted(set(steps))
    within = list(zip([0, *rising], rising, strict=False))
    more = [await _tell(tx, zone, nearer, days, at_once) for zone in awake for nearer, days in within]
    return any(more)


async def _tell(tx: Transaction, time_zone: str, nearer: int, days: int, at_once: int) -> bool:
    """Tell of what expires within `days`, but for what is nearer: that is told by the step after."""
    begin, until = tx.now + timedelta(days=nearer), tx.now + timedelta(days=days)
    place = await store.hold_notices(tx, time_zone, days, begin)
    if place is None or place[0] >= until:
        return False
    after, after_member = place if place[0] > begin else (begin, None)
    found = await loyalty.expiring(tx, time_zone, after=after, after_member=after_member, until=until, limit=at_once)
    occasions.note(
        tx,
        [
            (
                one.member_id,
                derived_id(one.expires_at, one.member_id.hex, f"expiring:{days}"),
                tx.now,
                ExpiringFacts(points=one.amount, expires_at=one.expires_at),
            )
            for one in found
        ],
    )
    if len(found) < at_once:
        store.advance_notices(tx, time_zone, days, until, None)
        return False
    store.advance_notices(tx, time_zone, days, found[-1].expires_at, found[-1].member_id)
    return True
