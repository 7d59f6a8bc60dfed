"""Telling members of points that are about to expire: once for each member and instant, in the daytime of their market.

Each time zone has a place up to which everybody has been told; it moves on as days pass. What enters a stretch that
was told already (points given back by a return live 30 days more) is not told: the message about the return was.
"""

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


async def tell_of_expiry(tx: Transaction, notice_days: int, at_once: int = AT_ONCE) -> bool:
    """Note notices for members whose points expire within `notice_days`; returns whether there may be more.

    Nothing is told while a replay holds the programme clock. Raises NoActivePolicy (409).
    """
    setting = await read_setting(tx.connection)
    if notice_days == 0 or (setting is not None and not setting.ticking):
        return False
    zones = {market.time_zone for market in await list_markets(tx)}
    awake = [zone for zone in sorted(zones) if _FROM_HOUR <= tx.now.astimezone(ZoneInfo(zone)).hour < _TO_HOUR]
    more = [await _tell(tx, zone, notice_days, at_once) for zone in awake]
    return any(more)


async def _tell(tx: Transaction, time_zone: str, notice_days: int, at_once: int) -> bool:
    place = await store.hold_notices(tx, time_zone, tx.now)
    until = tx.now + timedelta(days=notice_days)
    if place is None or place[0] >= until:
        return False
    after, after_member = place if place[0] > tx.now else (tx.now, None)
    found = await loyalty.expiring(tx, time_zone, after=after, after_member=after_member, until=until, limit=at_once)
    occasions.note(
        tx,
        [
            (
                one.member_id,
                derived_id(one.expires_at, one.member_id.hex, "expiring"),
                tx.now,
                ExpiringFacts(points=one.amount, expires_at=one.expires_at),
            )
            for one in found
        ],
    )
    if len(found) < at_once:
        store.advance_notices(tx, time_zone, until, None)
        return False
    store.advance_notices(tx, time_zone, found[-1].expires_at, found[-1].member_id)
    return True
