"""Long lists of boxes to tick are narrowed by a text."""

from playwright.sync_api import Browser

from tests.browser.chromium import Look, visiting
from tests.browser.club import Club, holds


def test_a_list_of_stores_is_narrowed_by_a_name_and_keeps_what_is_ticked(chromium: Browser, club: Club) -> None:
    with visiting(chromium, club.address, Look(390, "light", "en")) as visit:
        holds(visit, staff=club.staff())
        visit.open("/console/staff/invite")
        field = visit.page.get_by_role("searchbox", name="Narrow the list by a name")
        boxes = visit.page.locator("#stores-to-see label")
        names = [one.strip() for one in boxes.all_inner_texts()]
        assert len(names) > 3
        boxes.nth(1).locator("input").check()

        field.fill(names[0].upper())
        shown = [one.strip() for one in boxes.filter(visible=True).all_inner_texts()]
        assert shown == names[:2]  # the one that is sought, and the one that is ticked

        field.press("Enter")
        assert visit.page.url.endswith("/console/staff/invite")
        field.fill("")
        assert boxes.filter(visible=True).count() == len(names)
