"""Why points cannot be given, in words for who gives: of the other member they tell no more than the giver knows."""

from datetime import datetime
from typing import Any, Final

from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.platform.errors import DomainError
from regulars.platform.texts import say
from regulars.web.kit.formats import Formats
from regulars.web.kit.refusals import noted, told
from regulars.web.kit.texts import mark

NOT_ALLOWED: Final = mark("Points cannot be given to others at the moment.")
SPANS: Final = {
    "day": mark("A day at most"),
    "month": mark("A month at most"),
    "year": mark("In twelve months at most"),
}
_OWN: Final = {
    "transfers_not_allowed": NOT_ALLOWED,
    "transfer_to_oneself": mark("That is you. Name somebody else."),
    "transfer_outside_household": mark("This person does not live in your household any more."),
    "transfer_too_small": mark("At least {smallest} points can be given at once."),
    "transfer_too_large": mark("At most {largest} points can be given at once."),
    "transfer_needs_tier": mark("Points can be given from {needed} on; you are {tier}."),
    "transfer_owes": mark("You owe {debt} points. The next points you earn repay them; then you can give some."),
    "given_today_limit": mark("You can give {limit} points a day, and {left} are left today. Again from {again} on."),
    "given_this_month_limit": mark(
        "You can give {limit} points a month, and {left} are left in this one. Again from {again} on."
    ),
    "given_this_year_limit": mark(
        "You can give {limit} points in twelve months, and {left} are left. Again from {again} on."
    ),
    "insufficient_points": mark("You have {available} points that you can give: {missing} are missing."),
}
_TOO_EARLY: Final = mark("You can give points {days} days after you signed up: from {day} on.")
_OTHER_TOO_EARLY: Final = mark("This person can get points {days} days after signing up: from {day} on.")
_RECEIVED: Final = {
    "received_today_limit": mark("This person can get {left} more points today. Again from {again} on."),
    "received_this_month_limit": mark("This person can get {left} more points this month. Again from {again} on."),
    "received_this_year_limit": mark("This person can get {left} more points now. Again from {again} on."),
}
_RECEIVED_ENOUGH: Final = mark("This person cannot get that many points now. Give fewer, or try another day.")
_GONE: Final = frozenset({404, 410})
# What would tell of somebody who is no housemate that they are a member, where and since when.
_UNTOLD: Final = frozenset({"transfer_across_markets", "transfer_outside_household", "transfer_too_early"})


def refused(error: DomainError, formats: Formats, standing: loyalty.TransferStanding, *, known: bool) -> str:
    """Say why nothing is given. `known`: the other lives with the giver; else nothing is told of them.

    `standing` is the giver's own, by which it is known whose waiting days are meant.
    """
    language, code = formats.language, noted(error).code
    own = code == "transfer_too_early" and error.data["from_at"] == standing.gives_from.isoformat()
    if own:
        return _filled(_TOO_EARLY, error, formats)
    if error.status in _GONE or (not known and code in _UNTOLD):
        return say(members.recipients.NobodyToGiveTo.message, language)
    if code == "transfer_too_early":
        return _filled(_OTHER_TOO_EARLY, error, formats)
    if code in _RECEIVED:
        return _filled(_RECEIVED[code], error, formats) if known else say(_RECEIVED_ENOUGH, language)
    if code in _OWN:
        return _filled(_OWN[code], error, formats)
    return told(error, language)


def _filled(sentence: str, error: DomainError, formats: Formats) -> str:
    data: dict[str, Any] = dict(error.data)
    for name, at in (("again", data.get("again_at")), ("day", data.get("from_at"))):
        if at is not None:
            data[name] = formats.moment(datetime.fromisoformat(at))
    for name in ("needed", "tier"):
        if name in data:
            data[name] = loyalty.name_of_tier(data[name], formats.language)
    shown = {name: formats.number(value) if isinstance(value, int) else value for name, value in data.items()}
    return say(sentence, formats.language, **shown)
