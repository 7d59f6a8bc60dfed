"""Refusals of households."""

from regulars.platform.errors import Conflict, InvalidInput


class InAnotherHousehold(Conflict):
    """Nobody lives in two households at a time."""

    code = "in_another_household"
    message = "The member {member} lives in another household ({household}). Remove the member there first."


class HouseholdFull(Conflict):
    """A household has so many people at most."""

    code = "household_full"
    message = "A household has at most {limit} members, and this one has {count}."


class NotInHousehold(Conflict):
    """What is asked for needs a member of this household."""

    code = "not_in_household"
    message = "The member {member} does not live in this household (any more). Add the member first."


class HouseholdDissolved(Conflict):
    """What is no more is not changed."""

    code = "household_dissolved"
    message = "This household was dissolved at {dissolved_at}. Form a new one."


class HouseholdNameImpossible(InvalidInput):
    """A name is something that people can read."""

    code = "household_name_impossible"
    message = "A household's name has 1 to {longest} characters that can be printed, and no spaces at its ends."
