"""Every room's part in merging members on one page."""

from typing import Final

from regulars.commerce import api as commerce
from regulars.engagement import api as engagement
from regulars.loyalty import api as loyalty
from regulars.members.contracts.merging import MergingParts

PARTS: Final[MergingParts] = (loyalty.MERGING, commerce.MERGING, engagement.MERGING)
