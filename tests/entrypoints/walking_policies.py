"""The part of the walk through the API in which a rule of the programme changes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import httpx

from regulars.loyalty.preview.reports import PREVIEW
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id
from regulars.platform.reports import service as reports
from regulars.platform.reports.computing import compute_slice

OPENS: Final = datetime.fromisoformat("2026-05-01T02:00:00+00:00")
NOVEMBER: Final = "2026-11-01T00:00:00+08:00"


class Asks(Protocol):
    """What asks the API, and moves its clock."""

    async def ask(self, operation: str, told: str, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON there is
        """Ask once, and remember it as a step."""

    async def clock(self, after: timedelta, *, ticking: bool = False) -> None:
        """Set the programme clock to so long after opening."""


@dataclass
class Policies:
    """Drafts, compared, scheduled, withdrawn; then with a second person."""

    walk_of: Asks
    client: httpx.AsyncClient
    database: Database

    async def walk(self) -> None:
        """Go all of it."""
        ask = self.walk_of.ask
        await self.walk_of.clock(timedelta(days=170))
        draft = await ask(
            "createPolicyDraft",
            "Gold shall ask for more. A draft begins as what the latest version says, and decides nothing.",
            "POST",
            "/v1/policy-drafts",
            {"name": "Gold asks for more"},
        )
        path = f"/v1/policy-drafts/{draft['draft_id']}"
        policy = draft["policy"]
        policy["tier"]["tiers"][2]["threshold"] = 3_000
        policy["changes"]["second_person"] = True
        await ask(
            "changePolicyDraft",
            "The draft says all of it anew. `revision` is the one that was seen: who overwrites another gets a 409.",
            "PUT",
            path,
            {"revision": 1, "name": "Gold asks for more", "policy": policy},
        )
        await ask("getPolicyDraft", "There it is.", "GET", path)
        await ask("listPolicyDraftRevisions", "What it said before stays.", "GET", f"{path}/revisions")
        await ask(
            "comparePolicies",
            "What would change, compared with what is in force: as data, and as a shopkeeper would say it.",
            "GET",
            f"/v1/policy-diff?after={draft['draft_id']}",
        )
        await self._preview(draft["draft_id"])
        await ask(
            "schedulePolicyDraft",
            "It becomes version 2, from the first of November.",
            "POST",
            f"{path}/schedule",
            {"revision": 2, "active_from": NOVEMBER, "reason": "Agreed in the October meeting"},
        )
        await ask(
            "withdrawPolicy",
            "Not yet: until its instant comes a version can be withdrawn. Its number is not given again.",
            "POST",
            "/v1/policies/2/withdraw",
            {"reason": "The letters to members are not ready"},
        )
        await self._with_two(policy)

    async def _preview(self, draft_id: str) -> None:
        ask, asked = self.walk_of.ask, {"draft_id": draft_id, "active_from": NOVEMBER, "first": "2026-05-01"}
        told = "Who would be touched, and what would orders since May have earned? That is counted in the background."
        found = await ask("previewPolicy", told, "POST", "/v1/policy-previews", asked)
        path = f"/v1/policy-previews/{found['preview_id']}"
        async with self.database.transaction() as tx:
            (report,) = await reports.list_reports(tx, PREVIEW)
        async with self.database.transaction() as tx:
            assert not await compute_slice(tx, report.report_id)
        await ask("getPolicyPreview", "What was found: nobody rises, and orders earn what they earned.", "GET", path)
        await ask("listPreviewMembers", "Whom it touches, and how; this policy nobody.", "GET", f"{path}/members")
        other = await self._quietly("/v1/policy-previews", asked)
        path = f"/v1/policy-previews/{other['preview_id']}/cancel"
        await ask("cancelPolicyPreview", "One that nobody needs is stopped.", "POST", path)

    async def _with_two(self, policy: dict[str, Any]) -> None:
        ask = self.walk_of.ask
        policy["transfers"] = {"among": "anyone", "largest": 100, "given_per_month": 200}
        soon = (OPENS + timedelta(days=170, minutes=1)).isoformat()
        await self._scheduled(policy, soon)
        await self.walk_of.clock(timedelta(days=171))
        policy["payment"]["max_percent"] = 10
        draft = await self._scheduled(policy, NOVEMBER)
        path = f"/v1/policy-drafts/{draft}"
        await ask(
            "listPolicyDrafts", "The policy in force wants two: the next draft is proposed.", "GET", "/v1/policy-drafts"
        )
        await ask(
            "refusePolicyDraft",
            "A colleague gives it back.",
            "POST",
            f"{path}/refuse",
            {"revision": 1, "active_from": NOVEMBER, "note": "Finance wants to see it first"},
        )
        await self._propose(path, NOVEMBER)
        await ask(
            "approvePolicyDraft",
            "Proposed again, the colleague agrees: it is scheduled. Nobody agrees to their own.",
            "POST",
            f"{path}/approve",
            {"revision": 1, "active_from": NOVEMBER, "note": "Seen by finance"},
        )
        made = await self._quietly("/v1/policy-drafts", {"name": "A mistake"})
        told = "A draft that nobody needs is given up. It stays to be read."
        await ask("abandonPolicyDraft", told, "DELETE", f"/v1/policy-drafts/{made['draft_id']}")

    async def _scheduled(self, policy: dict[str, Any], active_from: str) -> str:
        """Draft and schedule, off the page."""
        made = await self._quietly("/v1/policy-drafts", {"name": "Two agree", "policy": policy})
        await self._propose(f"/v1/policy-drafts/{made['draft_id']}", active_from)
        return str(made["draft_id"])

    async def _propose(self, path: str, active_from: str) -> None:
        await self._quietly(f"{path}/schedule", {"revision": 1, "active_from": active_from})

    async def _quietly(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON there is
        answer = await self.client.post(path, json=body, headers={"Idempotency-Key": new_id().hex})
        assert answer.is_success, answer.text
        return answer.json()
