"""Refusals about policies and wallets."""

from regulars.platform.errors import Conflict, InvalidInput


class UnknownWallet(InvalidInput):
    """No wallet has this code."""

    code = "unknown_wallet"
    message = "There is no wallet “{wallet}”. Use one of: {wallets}."


class NoActivePolicy(Conflict):
    """The programme has no rules yet for this instant."""

    code = "no_active_policy"
    message = "The programme has no active policy at {at}. Activate a loyalty policy before posting."


class PolicyInvalid(InvalidInput):
    """The policy contradicts itself."""

    code = "policy_invalid"
    message = "The policy cannot work: {problem}. Correct it and send it again."
