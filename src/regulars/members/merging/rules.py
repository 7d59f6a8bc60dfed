"""What a survivor takes over, and what is restored: pure decisions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import UNSET

from regulars.members.contracts import Consent, ConsentChannel, Decision, Profile, ProfileChange, Purpose
from regulars.members.contracts.merging import ConsentChosen, ConsentReplaced

FIELDS = ("display_name", "given_name", "family_name", "birthday")
Key = tuple[Purpose, ConsentChannel]


def fills(survivor: Profile, absorbed: Profile) -> dict[str, Any]:
    """Return what of the absorbed member's profile fills a gap of the survivor's, by field."""
    return {
        field: getattr(absorbed, field)
        for field in FIELDS
        if getattr(survivor, field) is None and getattr(absorbed, field) is not None
    }


def change_of(fields: Mapping[str, Any]) -> ProfileChange:
    """Return the change that writes these fields and no others."""
    return ProfileChange(**{field: fields.get(field, UNSET) for field in FIELDS})


def still_as_filled(profile: Profile, filled: Mapping[str, Any]) -> list[str]:
    """Return the fields that still say what a merge filled them with."""
    return [field for field, value in filled.items() if getattr(profile, field) == value]


def taken_over(survivor: Iterable[Consent], absorbed: Iterable[Consent]) -> list[Consent]:
    """Return the absorbed member's decisions that are in force for the survivor: later ones that decide otherwise.

    Both are what is in force. At the same instant a withdrawal stands before a grant.
    """
    own = _by_key(survivor)
    return [
        consent
        for key, consent in _by_key(absorbed).items()
        if consent.decision is not Decision.LAPSED and (key not in own or _overrules(consent, own[key]))
    ]


def _overrules(other: Consent, own: Consent) -> bool:
    if other.decision is own.decision:
        return False
    if other.effective_at == own.effective_at:
        return other.decision is Decision.WITHDRAWN
    return other.effective_at > own.effective_at


def chosen(taken: Iterable[Consent], survivor: Iterable[Consent]) -> tuple[ConsentChosen, ...]:
    """Tell what was taken over, and what stood there before."""
    own = _by_key(survivor)
    return tuple(
        [
            ConsentChosen(
                purpose=one.purpose.value,
                channel=one.channel.value,
                decision=one.decision.value,
                before=own[one.purpose, one.channel].decision.value if (one.purpose, one.channel) in own else None,
            )
            for one in taken
        ]
    )


def replaced(
    survivor: Iterable[Consent], taken: Iterable[Consent], lapsed: Iterable[Consent]
) -> tuple[ConsentReplaced, ...]:
    """Return which decisions a merge put in the place of which of the survivor's.

    `survivor` is what was in force, `taken` what was written down for the survivor, `lapsed` what that has ended.
    """
    own = _by_key(survivor)
    in_force = _by_key(taken)
    for key, one in _by_key(lapsed).items():
        if key in in_force or (key in own and own[key].decision is Decision.GIVEN):
            in_force[key] = one
    return tuple(
        [
            ConsentReplaced(consent_id=one.consent_id, before_id=own[key].consent_id if key in own else None)
            for key, one in in_force.items()
        ]
    )


def restored(
    told: Iterable[ConsentReplaced], now: Iterable[Consent], history: Iterable[Consent]
) -> list[tuple[Consent, Consent | None]]:
    """Return which decisions in force (`now`) a merge had brought, each with that of before, which is meant again.

    One that was decided anew since stays. Where nothing had been decided (None) a grant is to be withdrawn, and a
    withdrawal stays.
    """
    in_force = {one.consent_id: one for one in now}
    known = {one.consent_id: one for one in history}
    found: list[tuple[Consent, Consent | None]] = []
    for one in told:
        consent = in_force.get(one.consent_id)
        if consent is None:
            continue
        before = None if one.before_id is None else known.get(one.before_id)
        if before is not None or consent.decision is Decision.GIVEN:
            found.append((consent, before))
    return found


def withdrawn_since(survivor: Iterable[Consent], absorbed: Iterable[Consent], merged_at: datetime) -> list[Consent]:
    """Return what the survivor withdrew since the merge and the absorbed member still grants: it is safer withdrawn."""
    others = _by_key(absorbed)
    return [
        one
        for key, one in _by_key(survivor).items()
        if one.decision is Decision.WITHDRAWN
        and one.recorded_at > merged_at
        and key in others
        and others[key].decision is Decision.GIVEN
    ]


def _by_key(found: Iterable[Consent]) -> dict[Key, Consent]:
    return {(one.purpose, one.channel): one for one in found}
