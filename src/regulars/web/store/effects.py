"""What an order or a return did, in sentences for the counter."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from regulars.commerce import api as commerce
from regulars.platform.money import Money
from regulars.web.kit.cells import Tone
from regulars.web.store.counter import Tier, tier_of


class EffectShown(Struct, frozen=True, kw_only=True):
    """One effect; the template says it by its kind."""

    kind: str
    tone: Tone
    points: int = 0
    value: Money | None = None
    available_at: datetime | None = None
    tier: Tier | None = None
    undone: int = 0


_TONES: dict[str, Tone] = {
    "points_redeemed": "info",
    "points_pending": "success",
    "points_earned": "success",
    "debt_repaid": "neutral",
    "points_given_back": "success",
    "points_clawed_back": "warning",
    "debt": "error",
    "tier_reached": "success",
    "tier_lost": "warning",
}


def effects_shown(effects: Sequence[commerce.Effect], language: str) -> list[EffectShown]:
    """Return what a counter tells of effects; growth is the member's own to read."""
    return [
        EffectShown(
            kind=effect.type,
            tone=_TONES[effect.type],
            points=effect.points,
            value=effect.value,
            available_at=effect.available_at,
            tier=tier_of(effect.to_tier, language) if effect.to_tier is not None else None,
            undone=effect.undone,
        )
        for effect in effects
        if effect.type in _TONES
    ]
