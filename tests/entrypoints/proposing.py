"""What the tests of proposals share: two members, requests that name both, and the rule's looks."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from regulars.entrypoints.merging import PARTS
from regulars.members import api as members
from regulars.platform.clock import wall_now
from regulars.platform.ids import parse_public_id
from tests.entrypoints.test_merging import Door

PHONE, EMAIL = "+8613912340001", "fang@home.example"
CARD, OTHER_EMAIL = "RG88776655", "lin@home.example"
SHOP, APP = "shop:fang-1", "app:fang-1"
PROPOSALS = "/v1/merge-proposals"
Json = Any


class Two(NamedTuple):
    """Fang by her phone, and by her address."""

    first: str
    other: str


async def two(door: Door, first: Mapping[str, str] | None = None, other: Mapping[str, str] | None = None) -> Two:
    """Sign two members up."""
    return Two(await door.sign_up(**(first or {"phone": PHONE})), await door.sign_up(**(other or {"email": EMAIL})))


async def name_together(door: Door, *values: tuple[str, str], status: int = 409) -> Json:
    """Send a sign-up that names these values."""
    given = [{"kind": kind, "value": value} for kind, value in values or (("phone", PHONE), ("email", EMAIL))]
    body = {"market": "CN", "channel": "store", "identities": given}
    return await door.call("POST", "/v1/members", body, status=status)


async def give(door: Door, member: str, kind: str, value: str, *, status: int = 409) -> Json:
    """Send that a member has a value."""
    return await door.call("POST", f"/v1/members/{member}/identities", {"kind": kind, "value": value}, status=status)


async def listed(door: Door, query: str = "") -> list[Json]:
    """Return the proposals that a list gives."""
    found: list[Json] = (await door.call("GET", f"{PROPOSALS}{query}"))["proposals"]
    return found


async def only(door: Door) -> Json:
    """Return the only open proposal, with why."""
    (one,) = await listed(door, "?state=open")
    return await door.call("GET", f"{PROPOSALS}/{one['proposal_id']}")


async def decide(door: Door, one: Json, verb: str, *, status: int = 200, **more: Json) -> Json:
    """Confirm or dismiss."""
    body = {"reason": "looked at both", **more}
    return await door.call("POST", f"{PROPOSALS}/{one['proposal_id']}/{verb}", body, status=status)


async def look(door: Door, after: timedelta = timedelta(minutes=11)) -> int:
    """Let the rule look at what is due by then; return at how many it looked."""
    services = door.services
    return await members.proposals.examine_due(services.database, services.vault, PARTS, at=wall_now() + after)


async def prove(door: Door, member: str) -> None:
    """Let somebody have proved to hold the member's identities."""
    async with door.services.database.transaction() as tx:
        tx.write("UPDATE member_identities SET verified_at = now() WHERE member_id = %s", (uuid_of(member),))


def uuid_of(member: str) -> UUID:
    found = parse_public_id("mbr", member)
    assert found is not None
    return found


def said(refusal: Json) -> tuple[str, str | None, dict[str, Json]]:
    """Return what a refusal says: its code, the field, its data."""
    return refusal["code"], next((one["pointer"] for one in refusal["errors"]), None), refusal.get("data", {})
