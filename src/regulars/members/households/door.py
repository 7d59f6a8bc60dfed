"""Households, for other rooms: `members.api.households`.

`form_household(tx, vault, limit, wish)` lets members live together, `join_household(tx, limit, wish)` lets one more,
`leave_household(tx, vault, wish)` lets one leave (the head passes to whoever is there longest; without anybody it
ends); `change_head`, `rename_household(tx, vault, wish)` and `dissolve_household(tx, wish)` say themselves. All follow
merged ids, hold the members' rows and then the household's, publish facts, and change nothing where it is so already.
They raise NotFound (404), MemberGone (410), InAnotherHousehold, HouseholdFull, NotInHousehold, HouseholdDissolved (409)
and HouseholdNameImpossible (422). `limit` is how many may live in one.

`households_of(tx, member_ids)` gives for any number of members, in one statement, in which household each lives,
following merged ids; who lives in none is left out. `ask_households_of` asks the same along with the next read.
`read_household(tx, vault, household_id, clear=, stores=)` gives one with its name (NotFound), `read_households(tx,
ids)` some without names, `list_households(tx, state=, before=, limit=, stores=)` all, the last formed first; with
`stores` only those where somebody lives who signed up in one of them;
`home_of(tx, vault, member_id)` the one in which a member lives (None for none), its name told to the head alone,
`household_changes(tx, household_id, before=, limit=)` the history from its end, `stays_of(tx, member_id)` where one
lives and lived, `ask_stays_of` the same along with the next read. Source: households, household_members and
household_changes.
"""

from regulars.members.households.reading import (
    ask_households_of,
    ask_stays_of,
    home_of,
    household_changes,
    households_of,
    list_households,
    read_household,
    read_households,
    stays_of,
)
from regulars.members.households.service import (
    change_head,
    dissolve_household,
    form_household,
    join_household,
    leave_household,
    rename_household,
)

__all__ = [
    "ask_households_of",
    "ask_stays_of",
    "change_head",
    "dissolve_household",
    "form_household",
    "home_of",
    "household_changes",
    "households_of",
    "join_household",
    "leave_household",
    "list_households",
    "read_household",
    "read_households",
    "rename_household",
    "stays_of",
]
