"""Refusals about policies and wallets."""

from regulars.platform.errors import Conflict, InvalidInput


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


class PolicyInvalid(InvalidInput):
    """The policy contradicts itself."""

    code = "policy_invalid"
    message = "The policy cannot work: {problem}. Correct it and send it again."
