"""What the rooms of members do when one is erased, and what they tell a member of theirs."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from babel import Locale, UnknownLocaleError

from regulars.members.access import sessions
from regulars.members.cards import service as cards
from regulars.members.consent import confirming as consents
from regulars.members.contracts.privacy import PrivacyPart, Section
from regulars.members.households import moving as households
from regulars.members.households import reading as household_reading
from regulars.members.identity import service as identity
from regulars.members.merging import reading as merging
from regulars.members.privacy import store
from regulars.members.profile import service as profile
from regulars.members.proposals import following as proposals
from regulars.platform.db.transaction import Transaction
from regulars.platform.texts import mark
from regulars.platform.vault.contracts import Vault


async def _erase(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget what the rooms of members hold; consents stay, as proof: nothing personal is in them."""
    await identity.forget(tx, member_ids)
    profile.forget(tx, member_ids)
    sessions.forget_members(tx, member_ids)
    cards.forget_members(tx, member_ids)
    store.forget_exports(tx, member_ids)
    consents.forget_requests(tx, member_ids)
    merging.forget(tx, member_ids)
    await households.forget(tx, member_ids)
    proposals.forget(tx, member_ids)


async def _export(tx: Transaction, vault: Vault, member_id: UUID) -> dict[str, Section]:
    ((member, identities),) = await identity.show(tx, vault, [member_id], clear=True)
    told = await profile.read_profiles(tx, vault, [member_id], clear=True)
    return {
        "members": [msgspec.to_builtins({**msgspec.structs.asdict(member), "identities": None})],
        "member_identities": [msgspec.to_builtins(one) for one in identities],
        "member_profiles": [msgspec.to_builtins(one) for one in told.values()],
        "households": await household_reading.named_by(tx, vault, member_id),
        **await store.of_member(tx, member_id),
    }


def _name_of_language(tag: str, language: str) -> str:
    """Return what a language (a BCP 47 tag) is called; one that nobody knows goes by its tag."""
    try:
        return Locale.parse(tag, sep="-").get_language_name(language) or tag
    except (UnknownLocaleError, ValueError):
        return tag


_PLACES: Final = {
    "online": mark("Online"),
    "store": mark("In a shop"),
    "app": mark("App"),
    "partner": mark("Partner"),
    "social": mark("Social shop"),
    "phone": mark("Telephone"),
}
OWN: Final = PrivacyPart(
    room="members",
    erase=_erase,
    export=_export,
    sections={
        "members": mark("Your membership"),
        "member_identities": mark("What finds you: numbers, addresses, cards"),
        "member_profiles": mark("What you told us"),
        "consents": mark("What you agreed to, and took back"),
        "consent_requests": mark("Letters that asked you to confirm"),
        "member_sessions": mark("Where you are signed in"),
        "member_merges": mark("Memberships that became one with yours, and were parted again"),
        "households": mark("Households of which you are the head"),
        "household_members": mark("The household in which you live"),
        "household_changes": mark("When you came to households, left them, and became their head"),
        "merge_proposals": mark("When we thought that two memberships might be yours"),
        "erasures": mark("Erasures that were asked for"),
        "member_exports": mark("Exports like this one"),
    },
    codes={
        "consents.decision": {
            "given": mark("Given"),
            "withdrawn": mark("Withdrawn"),
            "requested": mark("To be confirmed"),
            "lapsed": mark("Lapsed"),
        },
        "consents.purpose": {
            "service": mark("Service notices"),
            "marketing": mark("Offers and news"),
            "research": mark("Research"),
            "profiling": mark("Profiling"),
            "sharing": mark("Sharing with partners"),
        },
        "consents.channel": {
            "email": mark("E-mail"),
            "sms": mark("Text message"),
            "push": mark("Push"),
            "wechat": mark("WeChat"),
            "phone": mark("Telephone"),
            "post": mark("Letter"),
            "any": mark("Any"),
        },
        "member_identities.kind": {
            "phone": mark("Phone"),
            "email": mark("E-mail"),
            "external": mark("Id of another system"),
            "openid": mark("WeChat"),
            "card": mark("Card"),
        },
        "members.status": {
            "active": mark("Member"),
        },
        "members.channel": _PLACES,
        "consents.made_in": _PLACES | {"email": mark("E-mail")},
    },
    named={"language": _name_of_language},
    excused={
        "identities": "the same values as member_identities, as keyed hashes",
        "merge_evidence": "told with merge_proposals, as far as it is of the member",
        "used_card_codes": "random codes of the last day, which tell nothing",
    },
)
