"""Every room's part in privacy on one page: what each does when a member is erased, and what it tells a member."""

from typing import Final

from regulars.commerce import api as commerce
from regulars.engagement import api as engagement
from regulars.loyalty import api as loyalty
from regulars.members.contracts.privacy import Parts

PARTS: Final[Parts] = (loyalty.PRIVACY, commerce.PRIVACY, engagement.PRIVACY)
