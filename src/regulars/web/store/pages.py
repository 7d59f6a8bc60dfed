"""Every page of the counter, on what they share."""

from regulars.commerce import api as commerce
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.viewers import ViewerKind
from regulars.web.store.claiming import claiming_pages
from regulars.web.store.counter import Counter
from regulars.web.store.finding import finding_pages
from regulars.web.store.register import register_pages
from regulars.web.store.returns import return_pages
from regulars.web.store.seals import Seals
from regulars.web.store.till import till_pages


def counter_pages(kit: Kit) -> Pages:
    """Return the pages of the counter: scan, till, returns, registering."""
    counter = Counter(kit, commerce.OrderDesk(kit.services), Seals(kit.services.vault.pepper))
    rooms = [make(kit, counter) for make in (finding_pages, till_pages, return_pages, register_pages, claiming_pages)]
    return Pages(
        ViewerKind.DEVICE,
        [handler for room in rooms for handler in room.handlers],
        navigation=[group for room in rooms for group in room.navigation],
    )
