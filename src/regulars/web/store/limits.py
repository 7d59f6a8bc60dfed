"""How old and how large a return may be that a till takes without a store manager. Pure."""

from datetime import timedelta

from regulars.commerce import api as commerce
from regulars.commerce.contracts import ReturnOutcome
from regulars.platform.settings import Settings
from regulars.web.kit.viewers import Viewer
from regulars.web.store.counter import ABOVE
from regulars.web.store.errors import BoughtTooLongAgo, TooMuchComesBack


def check(outcome: ReturnOutcome | None, order: commerce.OrderShown, viewer: Viewer, settings: Settings) -> None:
    """Refuse a return (None: one that is refused anyway) beyond the limits, unless somebody is there who may take it.

    What counts is all that has come back of the purchase: piece by piece is no way around.

    Raises BoughtTooLongAgo, TooMuchComesBack.
    """
    if outcome is None or viewer.may(ABOVE):
        return
    if outcome.recorded_at > order.occurred_at + timedelta(days=settings.till_return_days):
        raise BoughtTooLongAgo(days=settings.till_return_days)
    if 0 < settings.till_return_minor < outcome.returned_so_far_minor:
        raise TooMuchComesBack(limit_minor=settings.till_return_minor)
