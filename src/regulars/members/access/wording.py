"""What sign-up asks consent for, by the address with which somebody signs up."""

from typing import Final

from regulars.members.consent.wording import MARKETING_BY_EMAIL, MARKETING_BY_SMS, PROFILING
from regulars.members.contracts import IdentityKind

OFFERED: Final = {
    IdentityKind.EMAIL: (MARKETING_BY_EMAIL, PROFILING),
    IdentityKind.PHONE: (MARKETING_BY_SMS, PROFILING),
}
