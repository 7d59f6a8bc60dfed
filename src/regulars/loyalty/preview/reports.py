"""The report that a preview is."""

from typing import Final

from regulars.loyalty.preview import service
from regulars.platform.reports.registry import report

PREVIEW: Final = report(service.KIND)(service.slice_of)
