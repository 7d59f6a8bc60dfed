"""Refusals about policies and wallets."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class UnknownWallet(InvalidInput):
    """No wallet has this code."""

    code = "unknown_wallet"
    message = "There is no wallet “{wallet}”. Use one of: {wallets}."


class WalletDiffers(Conflict):
    """A wallet of that code exists with another meaning, and books stand on it."""

    code = "wallet_differs"
    message = "The wallet {wallet} is already defined with another meaning. Define a wallet with another code."


class WalletImpossible(InvalidInput):
    """The wallets of a programme would contradict each other."""

    code = "wallet_impossible"
    message = "The wallet {wallet} cannot be: {problem}. Correct it and try again."


class NoActivePolicy(Conflict):
    """The programme has no rules yet for this instant."""

    code = "no_active_policy"
    message = "The programme has no active policy at {at}. Activate a loyalty policy before posting."


class LowestTierNotZero(InvalidInput):
    """Everybody has a tier."""

    code = "lowest_tier_not_zero"
    message = "The lowest tier begins at {threshold}. Let it begin at 0: everybody has a tier."


class ThresholdsDoNotRise(InvalidInput):
    """A higher tier asks for more."""

    code = "thresholds_do_not_rise"
    message = "The tier {tier} begins at {threshold}, the one below it at {below}. Let each tier ask for more."


class TermTooLarge(InvalidInput):
    """Dates and sums must stay within what can be counted."""

    code = "term_too_large"
    message = "The number {number} is too large here: at most {most} is allowed."


class NoReviewMonth(InvalidInput):
    """A review at the beginning of months needs at least one."""

    code = "no_review_month"
    message = "Tiers are to be reviewed at the beginning of months, and none is named. Name one, or choose no review."


class TransferBoundsCross(InvalidInput):
    """Nothing is at least the one and at most the other."""

    code = "transfer_bounds_cross"
    message = (
        "Transfers of at least {smallest} and at most {largest} points cannot be. Raise the one, or lower the other."
    )


class TierTwice(InvalidInput):
    """A tier's code is its name."""

    code = "tier_twice"
    message = "Two tiers are called {tier}. Give each a code of its own."


class TiersMustStay(InvalidInput):
    """Books name tiers by their place."""

    code = "tiers_must_stay"
    message = "The tiers {tiers} must stay in this order, as books stand on them. Add new ones above."


class SpendingWalletMustStay(InvalidInput):
    """Orders that were settled can still come back."""

    code = "spending_wallet_must_stay"
    message = "Orders were settled with the wallet {wallet}, which must stay the spending wallet."


class WalletUnfit(InvalidInput):
    """A policy needs a wallet of that kind."""

    code = "wallet_unfit"
    message = "The wallet {wallet} cannot serve here. Use one of: {wallets}."


class InstantBeforeLatest(Conflict):
    """Versions follow each other in time."""

    code = "instant_before_latest"
    message = (
        "Version {version} comes into force at {active_from}; a further one must come after it. "
        "Choose a later instant, or withdraw that version first."
    )


class InstantDecided(Conflict):
    """What is decided stays decided."""

    code = "instant_decided"
    message = "The books have already decided by the policy before, after {active_from}. Choose an instant to come."


class InstantInClosedMonth(Conflict):
    """A closed month stays as it is."""

    code = "instant_in_closed_month"
    message = "Books are closed until {until}; {active_from} lies before. Choose a later instant."


class InstantTooNear(Conflict):
    """What is under way must not be decided by two versions."""

    code = "instant_too_near"
    message = (
        "At least {seconds} seconds lie between now ({now}) and a change; {active_from} is too near. "
        "Choose a later one."
    )


class InstantTooFar(InvalidInput):
    """A change would begin beyond all plans."""

    code = "instant_too_far"
    message = "A change begins by {latest} at the latest; {active_from} is too far ahead. Choose an earlier one."


class UnknownVersion(NotFound):
    """No version has this number."""

    code = "unknown_version"
    message = "There is no policy version {version}. List the policies to find it."


class VersionInForce(Conflict):
    """What has decided, or is about to, is not taken back."""

    code = "version_in_force"
    message = "Version {version} came or comes into force at {active_from} and stays. Schedule another one after it."


class VersionWithdrawn(Conflict):
    """A version is withdrawn once."""

    code = "version_withdrawn"
    message = "Version {version} is withdrawn already."
