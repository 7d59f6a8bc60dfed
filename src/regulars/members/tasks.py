"""Sign-ups are rolled up; what ended is deleted: sessions of members, codes on their way, used codes of cards."""

from datetime import timedelta

from regulars.members.access import sessions
from regulars.members.cards import service as cards
from regulars.members.consent import confirming as consents
from regulars.members.figures import service as figures
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task
from regulars.platform.rollups import service as rollups

_AT_MOST = 1_000


@task(cron="* * * * *")
async def roll_up_sign_ups(tx: Transaction) -> None:
    """Recompute the sums of the days on which those joined who signed up since."""
    await rollups.bring_up_to_date(tx, figures.SIGN_UPS)


@task(cron="37 * * * *")
async def forget_member_sessions(tx: Transaction) -> bool:
    """Delete codes and sessions of members that ended a week ago."""
    return await sessions.forget_ended(tx, at_most=_AT_MOST)


@task(cron="43 * * * *")
async def forget_consent_letters(tx: Transaction) -> bool:
    """Delete what letters carried that asked to confirm a consent, a day after their links ended."""
    return await consents.forget_expired(tx, wall_now() - timedelta(days=1), _AT_MOST)


@task(cron="41 * * * *")
async def forget_card_codes(tx: Transaction) -> bool:
    """Delete card codes that were used more than a day ago."""
    return await cards.forget_used(tx, at_most=_AT_MOST)
