"""The part of the walk in which much is done in one request."""

from typing import Any, Protocol

from regulars.entrypoints.importing import job_kinds
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.services import Services


class Asks(Protocol):
    """The walk, as its parts see it."""

    async def ask(self, operation: str, says: str, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        """Call an operation, and tell of it."""


async def walk_bulk(walk: Asks, services: Services, member: str) -> None:
    """Sign many members up, send many orders, record consents, correct, redeem and hold for many, and import a file."""
    signing_up = {"market": "CN", "channel": "partner"}
    await walk.ask(
        "signUpMembers",
        "A hotel hands its guests' club over. Each row is decided on its own; sent again, it gives the same members.",
        "POST",
        "/v1/members/batch",
        {
            "members": [
                signing_up | {"reference": "hotel:1", "identities": [{"kind": "card", "value": "HT-000001"}]},
                signing_up | {"reference": "hotel:2", "identities": [{"kind": "phone", "value": "138 0013 8000"}]},
            ]
        },
    )
    cup = {"amount_minor": 5_900, "currency": "CNY"}
    order = {
        "member_id": member,
        "state": "paid",
        "channel": "online",
        "market": "CN",
        "total": cup,
        "lines": [{"sku": "cup", "amount": cup}],
    }
    await walk.ask(
        "putOrders",
        "A till that was without network sends what it sold. A row that is refused leaves the others as they are.",
        "PUT",
        "/v1/orders",
        {"orders": [order | {"order_id": "till-9-0001"}, order | {"order_id": "till-9-0002", "market": "XX"}]},
    )
    await walk.ask(
        "recordConsents",
        "Slips of paper from an evening in the shop: what each guest decided. Each row is decided on its own.",
        "POST",
        "/v1/consents/batch",
        {
            "consents": [
                {
                    "member_id": member,
                    "purpose": "marketing",
                    "channel": "sms",
                    "decision": decision,
                    "wording_version": "2026-04",
                    "where": "store",
                }
                for decision in ("given", "withdrawn")
            ]
        },
    )
    await _desk(walk, member)
    await _holding(walk, member)
    await _importing(walk, services)


async def _desk(walk: Asks, member: str) -> None:
    corrected = {"member_id": member, "reason": "Counted twice at the till"}
    await walk.ask(
        "adjustBatch",
        "A till counted twice for a morning. What is more than one person may correct is asked for, as it is alone.",
        "POST",
        "/v1/adjustments/batch",
        {
            "adjustments": [
                corrected | {"amount": -5, "reference": "till-9:1"},
                corrected | {"amount": -900_000, "reference": "till-9:2"},
            ]
        },
    )
    await walk.ask(
        "redeemBatch",
        "The till that was without network gave cups away for points. Each row takes from what those before it left.",
        "POST",
        "/v1/redemptions/batch",
        {"redemptions": [{"member_id": member, "amount": 8, "reason": "A cup", "reference": "till-9:cup:1"}]},
    )


async def _holding(walk: Asks, member: str) -> None:
    wanted = {"member_id": member, "amount": 4, "purpose": "Tea evening", "deadline": "2026-11-20T10:00:00Z"}
    told = "An evening is booked for many guests at once: their points are kept until then."
    rows = [wanted | {"reference": f"evening:{seat}"} for seat in (1, 2)]
    placed = await walk.ask("placeHolds", told, "POST", "/v1/holds/batch", {"holds": rows})
    came, stayed = [{"member_id": member, "hold_id": row["hold"]["hold_id"]} for row in placed["rows"]]
    told = "Who came pays with what was kept. A hold ends once; a second row of it would be refused."
    await walk.ask("postHolds", told, "POST", "/v1/holds/post/batch", {"holds": [came]})
    told = "Who stayed at home has the points back."
    row = stayed | {"reason": "Did not come"}
    await walk.ask("voidHolds", told, "POST", "/v1/holds/void/batch", {"holds": [row]})


async def _importing(walk: Asks, services: Services) -> None:
    begun = await walk.ask(
        "beginImport",
        "The hotel's points come as a file. It says how columns are called, and what all rows have in common.",
        "POST",
        "/v1/imports",
        {
            "kind": "accruals",
            "format": "jsonl",
            "name": "hotel.jsonl",
            "mapping": {"columns": {"Card": "card", "Points": "amount"}, "constants": {"reason": "Hotel club"}},
        },
    )
    job_id = begun["import_id"]
    one, job = f"/v1/imports/{job_id}", f"/v1/jobs/{job_id}"
    parts = "Its bytes come in parts, cut anywhere. A part that is sent again replaces the one before."
    await walk.ask("putImportPart", parts, "PUT", f"{one}/parts/1", {"Card": "HT-000009", "Points": 120})
    await walk.ask("getImport", "What has arrived of it.", "GET", one)
    await walk.ask("startImport", "All of it is there: a job imports it, step by step.", "POST", f"{one}/start")
    await walk.ask("cancelJob", "Somebody has second thoughts. What was imported would stay.", "POST", f"{job}/cancel")
    async with services.database.transaction(set_based=True) as tx:
        await do_step(tx, job_kinds(services.settings, services.vault, services.database), job_id_in(job_id))
    await walk.ask("resumeJob", "It goes on from where it stopped.", "POST", f"{job}/resume")
    async with services.database.transaction(set_based=True) as tx:
        await do_step(tx, job_kinds(services.settings, services.vault, services.database), job_id_in(job_id))
    await walk.ask("getJob", "How far it is, what it did, and where its results lie.", "GET", job)
    told = "Which rows were refused and why, as a CSV file. Personal values are not repeated."
    await walk.ask("listImportErrors", told, "GET", f"{one}/errors")
    await walk.ask("listJobs", "All jobs of this key, the last first.", "GET", "/v1/jobs?limit=1")
    await _exporting(walk, services)


async def _exporting(walk: Asks, services: Services) -> None:
    await walk.ask(
        "listExportKinds",
        "What can be exported, and in which columns.",
        "GET",
        "/v1/export-kinds?fields=kinds.kind,kinds.scope",
    )
    job = await walk.ask(
        "beginExport",
        "The new till system wants all stores, as they are now. A job writes them down.",
        "POST",
        "/v1/exports",
        {"kind": "stores", "columns": ["store_id", "name"], "market": "CN"},
    )
    job_id = job["job_id"]
    async with services.database.transaction(set_based=True) as tx:
        await do_step(tx, job_kinds(services.settings, services.vault, services.database), job_id_in(job_id))
    one = f"/v1/exports/{job_id}"
    await walk.ask("getExport", "It is there: rows of one instant.", "GET", one)
    await walk.ask("downloadExport", "The rows, in any format, whole or part by part.", "GET", f"{one}/file")
    await walk.ask("listTableExports", "The exports of this key, the last first.", "GET", "/v1/exports?limit=1")
    await walk.ask("deleteExport", "What was taken need not lie there any longer.", "DELETE", one)
