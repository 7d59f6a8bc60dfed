"""What was exported is imported again: into an empty deployment, in any format, it gives the same."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest

from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import NOW
from tests.entrypoints.exporting import Json, done, exported, file_of
from tests.entrypoints.importing import MEMBER_CONSTANTS, Site, lines, site

__all__ = ["site"]  # the fixture
pytestmark = pytest.mark.anyio

PEOPLE: Final[tuple[dict[str, Json], ...]] = (
    {"card": "M0000001", "phone": "+8613800138000"},
    {"card": "M0000002", "email": "li@example.com"},
)
WORDS: Final[dict[str, Json]] = {
    "wording_version": "slip-7",
    "wording": "Sie dürfen mir schreiben.",
    "language": "de",
    "where": "store",
}
COMPARED: Final = {
    "members": ["card", "phone", "email", "identities", "market", "channel", "language", "signed_up_at"],
    "consents": ["card", "purpose", "channel", "decision", "wording", "where", "effective_at", "confirmed_elsewhere"],
    "orders": ["card", "order_id", "state", "total_minor", "currency", "lines", "payments", "occurred_at"],
    "accruals": ["card", "wallet", "amount", "reason", "effective_at", "available_at", "expires_at"],
    "balances": ["card", "wallet", "balance", "debt"],
    "lots": ["card", "wallet", "amount", "remaining", "order_id", "available_at", "expires_at"],
    "tiers": ["card", "tier"],
}


@pytest.fixture
async def other(second_database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """Make a deployment with the same programme and nobody in it."""
    async with Database(second_database_url, pool_size=4) as database:
        home = tmp_path / "other"
        home.mkdir()
        vault = LocalVault(home / "vault")
        made = await Site(database, vault, home).begin()
        yield made
        await made.client.aclose()
        vault.close()


async def filled(site: Site) -> None:
    """Sign two up who allow things, buy and are given points."""
    before = (NOW - timedelta(days=40)).isoformat()
    people = [one | {"signed_up_at": before, **MEMBER_CONSTANTS} for one in PEOPLE]
    await brought(site, "members", people, 2)
    decided: dict[str, Json] = {"purpose": "marketing", "channel": "email", **WORDS}
    consents = [
        decided | {"card": "M0000001", "decision": "given", "effective_at": before, "channel": "sms"},
        decided | {"card": "M0000001", "decision": "withdrawn", "effective_at": NOW.isoformat(), "channel": "sms"},
        decided | {"card": "M0000002", "decision": "given", "effective_at": before, "confirmed_elsewhere": True},
    ]
    await brought(site, "consents", consents, 3)
    again = await site.imported(lines(*consents, consents[0]), kind="consents", format="jsonl")
    assert again["counts"] == {"rows": 4, "imported": 0, "known": 4, "refused": 0}
    assert await site.rows("SELECT DISTINCT actor FROM consents") == [(again["asked_by"],)]
    wrong = [consents[0] | {"channel": "moon"}, consents[0] | {"effective_at": ""}, consents[0] | {"card": "M9"}]
    refused = await site.imported(lines(*wrong), kind="consents", format="jsonl")
    assert refused["counts"] == {"rows": 3, "imported": 0, "known": 0, "refused": 3}
    day = (NOW - timedelta(days=30)).isoformat()
    bought: dict[str, Json] = {
        "market": "CN",
        "channel": "online",
        "state": "paid",
        "currency": "CNY",
        "occurred_at": day,
    }
    orders = [
        bought | {"card": "M0000001", "order_id": "A1", "sku": "=tea", "quantity": quantity, "amount_minor": 12_050}
        for quantity in ("0.535", "2")
    ]
    paid = [{"method": "card", "amount": {"amount_minor": 30_000, "currency": "CNY"}}]
    orders.append(
        bought
        | {"card": "M0000002", "order_id": "A2", "sku": "茶", "quantity": "1", "amount_minor": 30_000, "payments": paid}
    )
    await brought(site, "orders", orders, 2)
    given = [
        {"card": "M0000001", "amount": 70, "reason": 'Moved, "here"\nand there', "effective_at": day},
        {"card": "M0000002", "amount": 5, "wallet": "growth", "reference": "club:7"},
    ]
    await brought(site, "accruals", given, 2)


async def brought(site: Site, kind: str, rows: list[dict[str, Json]], imported: int) -> None:
    job = await site.imported(lines(*rows), kind=kind, format="jsonl")
    assert (job["counts"]["imported"], job["counts"]["refused"]) == (imported, 0), await site.errors(job["job_id"])


async def told(site: Site, client: httpx.AsyncClient) -> dict[str, list[str]]:
    """Return what is compared, by what finds members."""
    return {
        kind: sorted(map(repr, await exported(site, client, kind, columns=columns)))
        for kind, columns in COMPARED.items()
    }


async def test_what_was_exported_is_imported_again_and_gives_the_same(site: Site, other: Site) -> None:
    await filled(site)
    async with await site.caller("admin") as ours, await other.caller("admin") as theirs:
        for kind, form in (("members", "csv"), ("consents", "parquet"), ("orders", "csv"), ("accruals", "jsonl")):
            export_id = await done(site, ours, kind, importable=True)
            content = (await file_of(ours, export_id, format=form)).content
            job = await other.imported(content, kind=kind, format=form)
            counts = job["counts"]
            assert (counts["refused"], counts["imported"] > 0) == (0, True), await other.errors(job["job_id"])
        before = await told(site, ours)
        assert all(before.values())
        assert await told(other, theirs) == before
