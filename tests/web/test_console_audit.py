"""The audit log in the console: who did what by name, narrowed and paged; entries with their seals; the check."""

from html import unescape
from typing import Final

import psycopg
import pytest

from regulars.platform.audit import service as audit
from regulars.platform.audit.contracts import AuditEntry, EntriesWanted
from regulars.platform.auth import service as keys
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.web.console.audit_codes import ACTIONS
from tests.architecture.audit_actions import written_actions
from tests.web.site import Site
from tests.web.test_console_health import verified_by_a_worker
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
LOG: Final = "/console/audit"
# Codes that are put together where they are written.
COMPOSED: Final = {
    *(
        "approve_adjustment",
        "refuse_adjustment",
        "import_accruals",
        "import_consents",
        "import_members",
        "import_orders",
    ),
    *("close_month", "define_market", "define_store", "define_wallet"),
}
# Texts that only look like codes to the test.
NO_CODES: Final = {"head_changed"}


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


def test_every_deed_has_its_words() -> None:
    written = written_actions() - NO_CODES

    assert len(written) > 100
    assert sorted(written - ACTIONS.keys()) == [], "write these into web/console/audit_codes.py"
    assert sorted(ACTIONS.keys() - written - COMPOSED) == [], "nothing writes these"


async def test_the_log_names_who_did_what_and_pages_through_all_of_it(site: Site) -> None:
    chen = public_id("mbr", site.chen)
    async with site.services.database.transaction(actor="cli:mei") as tx:
        made = await keys.create_key(tx, label="Till 7", scopes=["orders:write"])
        key = public_id("ak", made[0].key_id)
        for number in range(70):
            tx.audit(AuditEntry(actor=f"key:{key}", action="record_order", subject=f"W-{number}", reason="sold"))
        tx.audit(AuditEntry(actor=f"key:{key}", action="some_day_invented", subject=chen, reason="<b>why</b>"))
    async with site.browsing(Role.AUDITOR) as auditor, site.browsing(Role.FINANCE) as other:
        first = await auditor.get(LOG)
        narrowed = await auditor.get(f"{LOG}?actor=key:{key}&subject=W-3")
        about = await auditor.get(f"{LOG}?subject={chen}&action=some_day_invented")
        none = await auditor.get(f"{LOG}?at_from=2001-01-01&at_to=2001-12-31")
        today = await auditor.get(f"{LOG}?action=create_key&at_from=2001-01-01")
        file = await auditor.get(f"{LOG}?actor=key:{key}&format=csv")
        refused = [(await other.get(path)).status_code for path in (LOG, f"{LOG}/chain", f"{LOG}/1")]
    async with site.services.database.transaction() as tx:
        everything, before = list[int](), None
        while True:
            found = await audit.entries(tx, EntriesWanted(before=before), 40)
            everything += [one.entry_id for one in found.entries]
            if (before := found.before) is None:
                break

    said = words(first.text)
    assert "Key Till 7" in said
    assert "Recorded an order" in said
    assert "some_day_invented" in said
    assert "&lt;b&gt;why" in first.text
    assert f"/console/members/{chen}" in first.text
    assert "Not sealed yet" in said
    assert words(narrowed.text).count("Recorded an order") - words(none.text).count("Recorded an order") == 1
    assert "/console/orders/W-3" in narrowed.text
    assert "1 row" in words(about.text)
    assert "Nothing matches." in words(none.text)
    assert "mei, at the command line" in unescape(words(today.text))
    assert len(file.text.splitlines()) == 72
    assert refused == [403, 403, 403]
    assert everything == [number for (number,) in await site.rows("SELECT entry_id FROM audit_entries ORDER BY 1 DESC")]


async def test_a_narrowed_log_is_looked_through_a_stretch_at_a_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "WALK", 20)
    async with site.services.database.transaction() as tx:
        tx.audit(AuditEntry(actor="relay", action="replay", subject="deep below"))
        for number in range(50):
            tx.audit(AuditEntry(actor="relay", action="record_order", subject=f"W-{number}"))
    async with site.services.database.transaction() as tx:
        wanted, stretches, seen = EntriesWanted(subjects=["deep below"]), 0, []
        while True:
            found = await audit.entries(tx, wanted, 10)
            seen += [one.subject for one in found.entries]
            stretches += 1
            if found.before is None or seen:
                break
            wanted = wanted._replace(before=found.before)
    async with site.browsing(Role.OWNER) as owner:
        page = words((await owner.get(f"{LOG}?subject=deep+below")).text)

    assert (seen, stretches) == (["deep below"], 3)
    assert "Nothing matches so far." in page
    assert "Look on" in page


async def test_an_entry_shows_its_seal_and_that_it_was_changed_since(site: Site, database_url: str) -> None:
    async with site.browsing(Role.OWNER) as owner:
        young = words((await owner.get(f"{LOG}/1")).text)
        await audit.seal_all(site.services.database)
        sealed = words((await owner.get(f"{LOG}/1")).text)
        _tampered(database_url, "UPDATE audit_entries SET reason = 'nothing' WHERE entry_id = 1")
        changed = words((await owner.get(f"{LOG}/1")).text)
        unknown = [(await owner.get(f"{LOG}/{number}")).status_code for number in ("999999", "x", "9" * 40)]
    ((hash_,),) = await site.rows("SELECT encode(hash, 'hex') FROM audit_seals WHERE 1 = ANY (entry_ids)")

    assert "Until then a change of this entry would not be noticed." in young
    assert f"{hash_}" in sealed
    assert "it fits its seal" in sealed
    assert "It does not fit its seal" in changed
    assert unknown == [404, 404, 404]


async def test_the_chain_is_checked_in_the_background_and_says_where_it_breaks(site: Site, database_url: str) -> None:
    await audit.seal_all(site.services.database)
    async with site.browsing(Role.AUDITOR) as auditor:
        never = words((await auditor.get(f"{LOG}/chain")).text)
        asked = await auditor.post(f"{LOG}/chain", data={"head": ""})
        waiting = (await auditor.get(f"{LOG}/chain")).text
        await verified_by_a_worker(site)
        right = words((await auditor.get(f"{LOG}/chain")).text)
        typo = await auditor.post(f"{LOG}/chain", data={"head": "4:xyz"})
        await auditor.post(f"{LOG}/chain", data={"head": f"1:{'0' * 64}"})
        await verified_by_a_worker(site)
        other = words((await auditor.get(f"{LOG}/chain")).text)
        _tampered(
            database_url,
            "UPDATE audit_entries SET reason = 'nothing' WHERE entry_id = 1",
            "DELETE FROM audit_entries WHERE entry_id = 2",
            "INSERT INTO audit_entries (entry_id, transaction_id, written_at, actor, action, subject, reason, "
            "request_id, detail) SELECT 0, transaction_id, written_at, actor, action, subject, reason, request_id, "
            "detail FROM audit_entries WHERE entry_id = 3",
        )
        await auditor.post(f"{LOG}/chain")
        await verified_by_a_worker(site)
        broken = words((await auditor.get(f"{LOG}/chain")).text)

    assert "has not been checked here" in never
    assert (asked.status_code, "<progress" in waiting) == (303, True)
    assert "The chain is unbroken" in right
    assert (typo.status_code, "That is no head" in words(typo.text)) == (422, True)
    assert "It does not extend the head 1:0000" in other
    assert "It breaks at seal 1" in broken
    assert "Changed entries: 1" in broken
    assert "Removed entries: 2" in broken
    assert "their seals were taken away: 0" in broken


def _tampered(url: str, *statements: str) -> None:
    """Do what the owner of the database can do: switch the guard off first."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("audit_entries", "audit_seals"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            connection.execute(statement)
