"""An import in the console from end to end: sent in parts, mapped, checked, imported, its refused rows taken along."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from regulars.platform.auth.staff.permissions import Role
from tests.browser.chromium import Look, visiting
from tests.browser.club import Club, holds
from tests.browser.test_journeys import texts
from tests.browser.walking import Walk, found_by

LOOKS = [Look(390, "dark", "zh"), Look(1440, "light", "en")]
NOTES = ",".join(["x" * 100_000] * 4)  # so that a few rows are more than one part


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_file_is_brought_in(chromium: Browser, club: Club, look: Look, pictures: Path, tmp_path: Path) -> None:
    _ = texts(look.language)
    number = LOOKS.index(look)
    rows = [f"1370014770{number}", "no number", f"1370014771{number}"]
    content = "Mobile,Note,Note 2,Note 3,Note 4\n" + "".join([f"{row},{NOTES}\n" for row in rows])
    file = {"name": "fair.csv", "mimeType": "text/csv", "buffer": content.encode()}
    with visiting(chromium, club.address, look, bypass_csp=True) as desk:
        holds(desk, staff=club.staff(Role.OWNER, look.language))
        walk, page = Walk(desk, pictures, look), desk.page
        desk.open("/console/imports/new")
        walk.at("import-new")
        page.locator("#field-file").set_input_files(file)  # type: ignore[arg-type]  # a dict of the same shape
        page.get_by_role("button", name=_("Send the file")).click()
        page.wait_for_url("**/mapping")
        walk.at("import-mapping")
        expect(page.get_by_label(_("What {column} is").format(column="Mobile"))).to_have_value("phone")
        page.get_by_role("button", name=_("Check the file")).click()
        other = page.get_by_role("button", name=_("Import the other rows"))
        other.wait_for(timeout=15_000)  # the page asks again by itself
        walk.at("import-checked")
        other.click()
        expect(page.get_by_text(_("The import is done"))).to_be_visible(timeout=15_000)
        walk.at("import-done")
        with page.expect_download() as taking:
            page.get_by_role("link", name=_("Download them as CSV")).click()
        taking.value.save_as(tmp_path / "refused.csv")
        found = found_by(walk)
    assert found == []
    assert [line.split(",")[:4] for line in (tmp_path / "refused.csv").read_text().splitlines()][1:] == [
        ["3", "Mobile", "***", "phone_impossible"]
    ]
