"""Many decisions on consent in one request: each as if it had come alone."""

from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.members.api import letter_to_confirm
from regulars.platform.services import Services
from tests.members.people import rows
from tests.members.test_routes import WANG, joined, problem, send, services, till

pytestmark = pytest.mark.anyio
__all__ = ["services", "till"]  # fixtures of the other routes
Json = dict[str, Any]
NOBODY = f"mbr_{'0' * 32}"
numbers = count(1)


class Wish(NamedTuple):
    """One random row, before it is known whose it is."""

    member: int
    purpose: str
    channel: str
    decision: str
    version: int
    wording: str | None
    language: str | None
    elsewhere: bool
    effective_at: str | None


wishes = st.lists(
    st.builds(
        Wish,
        member=st.sampled_from([0, 0, 0, 1, 2]),  # with an address, without one, and nobody
        purpose=st.sampled_from(["marketing", "marketing", "service", "profiling"]),
        channel=st.sampled_from(["email", "email", "sms", "any"]),
        decision=st.sampled_from(["given", "given", "withdrawn"]),
        version=st.integers(0, 1),
        wording=st.sampled_from([None, "Write to me", "Call me"]),
        language=st.sampled_from([None, "en"]),
        elsewhere=st.booleans(),
        effective_at=st.sampled_from([None, None, "2020-05-01T00:00:00Z", "1800-01-01T00:00:00Z"]),
    ),
    min_size=1,
    max_size=10,
)


def decision(member: str, **more: Any) -> Json:  # noqa: ANN401 - fields of the body
    return {
        "member_id": member,
        "purpose": "marketing",
        "channel": "email",
        "decision": "given",
        "wording_version": "v1",
        "where": "store",
        **more,
    }


def _row(wish: Wish, members: list[str], world: str) -> Json:
    wanted = wish._asdict()
    told = {name: wanted[name] for name in ("purpose", "channel", "decision", "wording", "language", "effective_at")}
    told |= {"wording_version": f"{world}.{wish.version}", "confirmed_elsewhere": wish.elsewhere}
    return decision(members[wish.member], **told)


def _told(document: Json) -> object:
    """Return what was answered, without whose it is and when."""
    if "code" in document:
        return document["code"]
    names = ("purpose", "channel", "decision", "wording", "language", "where", "confirmation")
    return [document[name] for name in names], document["identity_id"] is None


async def _in_force(client: httpx.AsyncClient, member: str) -> list[list[object]]:
    found = (await client.get(f"/v1/members/{member}/consents")).json()
    return [[_told(one) for one in found[part]] for part in ("in_force", "requested", "history")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wished=wishes)
async def test_a_batch_of_decisions_does_what_its_rows_do_alone(till: httpx.AsyncClient, wished: list[Wish]) -> None:
    worlds: list[list[str]] = []
    prefixes = [f"w{next(numbers)}" for _ in range(2)]
    for prefix in prefixes:
        identities = [[{"kind": "email", "value": f"{prefix}@example.com"}], [{"kind": "card", "value": prefix + "00"}]]
        people = [await joined(till, WANG | {"identities": of}) for of in identities]
        worlds.append([*[one["member_id"] for one in people], NOBODY])
    singles = []
    for wish in wished:
        body = _row(wish, worlds[0], prefixes[0])
        answer = await send(till, "POST", f"/v1/members/{body.pop('member_id')}/consents", body)
        singles.append((answer.status_code, _told(answer.json())))
    wanted = [_row(wish, worlds[1], prefixes[1]) for wish in wished]
    batch = await send(till, "POST", "/v1/consents/batch", {"consents": wanted})
    assert batch.status_code == 200, batch.text
    found = [(row["status"], row.get("consent") or row["problem"]) for row in batch.json()["rows"]]
    assert [(status, _told(document)) for status, document in found] == singles
    assert [await _in_force(till, one) for one in worlds[0][:2]] == [
        await _in_force(till, one) for one in worlds[1][:2]
    ]


async def test_who_takes_back_what_was_confirmed_and_agrees_again_is_asked_again(
    services: Services, till: httpx.AsyncClient
) -> None:
    member = (await joined(till))["member_id"]
    asked = (await send(till, "POST", "/v1/consents/batch", {"consents": [decision(member)]})).json()
    consent = asked["rows"][0]["consent"]
    async with services.database.transaction() as tx:
        letter = await letter_to_confirm(tx, UUID(member[4:]), UUID(consent["consent_id"][4:]))
    assert letter is not None
    await send(till, "POST", "/v1/consent-confirmations", {"token": letter.token})
    wanted = [decision(member, decision="withdrawn"), decision(member), decision(member), decision(member)]
    answer = (await send(till, "POST", "/v1/consents/batch", {"consents": wanted})).json()
    decided = [row["consent"] for row in answer["rows"]]
    assert [one["decision"] for one in decided] == ["withdrawn", "requested", "requested", "requested"]
    assert decided[1]["consent_id"] == decided[3]["consent_id"] != consent["consent_id"]


async def test_a_refused_row_harms_no_other_and_is_kept(services: Services, till: httpx.AsyncClient) -> None:
    member = (await joined(till))["member_id"]
    wanted = [
        decision(member, channel="sms"),
        decision(member, channel="any"),
        decision(NOBODY),
        decision(member, wording="Write to me"),
        decision(member, channel="sms", decision="withdrawn"),
    ]
    answer = await send(till, "POST", "/v1/consents/batch", {"consents": wanted}, key="night")
    again = await send(till, "POST", "/v1/consents/batch", {"consents": wanted}, key="night")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (answer.content, "true")
    document = answer.json()
    assert (document["recorded"], document["refused"]) == (2, 3)
    assert [(row["status"], row.get("problem", {}).get("code")) for row in document["rows"]] == [
        (201, None),
        (422, "consent_channel_unfit"),
        (404, "not_found"),
        (422, "wrong_form"),
        (201, None),
    ]
    named = ("member_id", "purpose", "channel", "decision")
    assert [[row[name] for name in named] for row in document["rows"]] == [
        [row[name] for name in named] for row in wanted
    ]
    pointers = [row["problem"]["errors"][0]["pointer"] for row in document["rows"] if "problem" in row]
    assert pointers == ["/consents/1/channel", "/consents/2", "/consents/3/language"]
    kept = await rows(services.database, "SELECT code, action, subject FROM refusals")
    assert kept == [("consent_channel_unfit", "record_consent_in_batch", member)]
    audited = await rows(
        services.database,
        "SELECT subject, detail FROM audit_entries WHERE action = 'record_consent_in_batch' ORDER BY entry_id",
    )
    assert audited == [(member, "marketing sms given"), (member, "marketing sms withdrawn")]
    broken = await send(till, "POST", "/v1/consents/batch", {"consents": [wanted[0], decision(member, where="Till 7")]})
    assert problem(broken)[2] == ["/consents/1/where"]
    many = await send(till, "POST", "/v1/consents/batch", {"consents": [wanted[0]] * 1_001})
    assert problem(many) == (422, "wrong_length", ["/consents"])
    assert await rows(services.database, "SELECT count(*) FROM consents") == [(2,)]
