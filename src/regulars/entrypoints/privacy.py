"""Every room's part in privacy on one page: what each does when a member is erased."""

from typing import Final

from regulars.engagement import api as engagement
from regulars.loyalty import api as loyalty
from regulars.members.contracts.privacy import Parts

PARTS: Final[Parts] = (loyalty.PRIVACY, engagement.PRIVACY)
