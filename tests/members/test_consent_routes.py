"""Double opt-in over HTTP: what is requested, asked again, confirmed, and read page by page."""

from uuid import UUID

import httpx
import pytest

from regulars.members.api import letter_to_confirm
from regulars.platform.services import Services
from tests.members.test_routes import NEW, joined, problem, send, services, till

pytestmark = pytest.mark.anyio
__all__ = ["services", "till"]  # fixtures of the other routes


async def test_consent_by_e_mail_is_confirmed_first(services: Services, till: httpx.AsyncClient) -> None:
    member_id = (await joined(till))["member_id"]
    path = f"/v1/members/{member_id}/consents"
    decision = {
        "purpose": "marketing",
        "channel": "email",
        "decision": "given",
        "wording_version": "marketing-2026-05",
        "where": "store",
        "language": "zh-CN",
        "wording": "请通过电子邮件给我发送优惠。",
    }
    asked = await send(till, "POST", path, decision)
    again = await send(till, "POST", path, decision)
    waiting = (await till.get(path)).json()
    early = await send(till, "POST", f"{path}/{asked.json()['consent_id']}/letters", None)
    async with services.database.transaction() as tx:
        letter = await letter_to_confirm(tx, UUID(member_id[4:]), UUID(asked.json()["consent_id"][4:]))
    assert letter is not None
    confirmed = [await send(till, "POST", "/v1/consent-confirmations", {"token": letter.token}) for _ in range(2)]
    agreed = (await till.get(path)).json()
    none_waits = await send(till, "POST", f"{path}/{asked.json()['consent_id']}/letters", None)
    unknown = await send(till, "POST", f"{path}/cns_{'0' * 32}/letters", None)
    other_words = await send(till, "POST", path, {**decision, "decision": "withdrawn", "wording": "请给我发广告。"})
    no_language = await send(till, "POST", path, {**decision, "language": None})
    over = await send(till, "POST", "/v1/consent-confirmations", {"token": "x" * 86})

    assert (asked.status_code, asked.json()["decision"], asked.json()["wording"]) == (
        201,
        "requested",
        decision["wording"],
    )
    assert again.json()["consent_id"] == asked.json()["consent_id"]
    assert (waiting["in_force"], [one["decision"] for one in waiting["requested"]]) == ([], ["requested"])
    assert problem(early)[:2] == (429, "too_many_attempts")
    assert [one.status_code for one in confirmed] == [200, 200]
    assert [(one["decision"], one["confirmation"]) for one in agreed["in_force"]] == [("given", "link")]
    assert agreed["requested"] == []
    assert problem(none_waits)[:2] == (409, "consent_not_requested")
    assert problem(unknown)[:2] == (404, "not_found")
    assert problem(other_words) == (409, "wording_differs", ["/wording"])
    assert problem(no_language) == (422, "wrong_form", ["/language"])
    assert problem(over)[:2] == (404, "consent_confirmation_over")

    first = (await till.get(f"{path}/history", params={"limit": 1})).json()
    rest = (await till.get(f"{path}/history", params={"limit": 9, "cursor": first["next_cursor"]})).json()
    none = (await till.get(f"{path}/history", params={"purpose": "service"})).json()
    bad = await till.get(f"{path}/history", params={"cursor": "x"})
    nobody = await till.get(f"/v1/members/mbr_{'0' * 32}/consents/history")
    assert [one["decision"] for one in first["history"] + rest["history"]] == ["given", "requested"]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"], none["history"]) == (True, False, None, [])
    assert problem(bad) == (422, "wrong_form", ["/query/cursor"])
    assert nobody.status_code == 404


async def test_a_consent_confirmed_elsewhere_counts_and_one_without_an_address_is_refused(
    till: httpx.AsyncClient,
) -> None:
    member_id = (await joined(till, NEW))["member_id"]
    path = f"/v1/members/{member_id}/consents"
    decision = {
        "purpose": "marketing",
        "channel": "email",
        "decision": "given",
        "wording_version": "v1",
        "where": "store",
    }
    refused = await send(till, "POST", path, decision)
    imported = await send(till, "POST", path, {**decision, "confirmed_elsewhere": True})

    assert problem(refused) == (409, "consent_address_missing", ["/channel"])
    assert (imported.json()["decision"], imported.json()["confirmation"]) == ("given", "elsewhere")


async def test_instants_are_told_in_utc_in_whichever_zone_they_came(till: httpx.AsyncClient) -> None:
    signed_up = await joined(till, NEW | {"signed_up_at": "2020-05-01T08:00:00+08:00"})
    path = f"/v1/members/{signed_up['member_id']}/consents"
    decision = {
        "purpose": "marketing",
        "channel": "sms",
        "decision": "given",
        "wording_version": "v1",
        "where": "store",
    }
    recorded = await send(till, "POST", path, {**decision, "effective_at": "2020-05-02T00:30:00+08:00"})
    assert signed_up["signed_up_at"] == "2020-05-01T00:00:00Z"
    assert recorded.json()["effective_at"] == "2020-05-01T16:30:00Z"
