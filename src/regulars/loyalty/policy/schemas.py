"""What callers get of the configuration: wallets and policies."""

from msgspec import Struct

from regulars.loyalty.policy.contracts import PolicyVersion, WalletRule


class ProgrammeWallets(Struct, frozen=True, kw_only=True):
    """Every kind of wallet that members have, in the order in which they were defined."""

    wallets: list[WalletRule]


class ProgrammePolicies(Struct, frozen=True, kw_only=True):
    """Every version, the newest first; `in_force` is the one that decides now (null before the first)."""

    in_force: int | None
    policies: list[PolicyVersion]
