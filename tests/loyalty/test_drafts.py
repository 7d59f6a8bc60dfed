"""Drafts, versions and their states: cases worked by hand, on the database, and through the API."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec import structs
from psycopg import errors as database_errors

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.loyalty import api
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement
from regulars.loyalty.drafts.contracts import DraftCommand
from regulars.loyalty.drafts.errors import (
    DecidedByOthers,
    DraftBehind,
    DraftChanged,
    DraftNotOpen,
    DraftNotProposed,
    OwnProposal,
    PolicyUnchanged,
    ProposalChanged,
    SecondPersonNeeded,
    UnknownDraft,
)
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.errors import (
    InstantBeforeLatest,
    InstantInClosedMonth,
    InstantTooFar,
    InstantTooNear,
    TiersMustStay,
    UnknownVersion,
    VersionInForce,
    VersionWithdrawn,
)
from regulars.loyalty.preview.reports import PREVIEW
from regulars.platform.auth import service as keys
from regulars.platform.auth.errors import MayBeOnePerson
from regulars.platform.clock import ClockSetting, wall_now
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import DAY, EASY, HOUR, NOON, TIERS, Programme, back, order

pytestmark = pytest.mark.anyio
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DEARER = structs.replace(EASY, earning=structs.replace(EASY.earning, minor_per_point=200))
STRICT = structs.replace(EASY, changes=api.ChangePolicy(second_person=True))


def set_clock(database: Database, at: datetime) -> None:
    database.clock.follow(ClockSetting(at, wall_now(), ticking=False))


@pytest.fixture
def at_noon(programme: Programme) -> Programme:
    set_clock(programme.database, NOON)
    return programme


async def work(programme: Programme, command: DraftCommand) -> api.PolicyDraft:
    database = programme.database
    async with database.transaction() as tx:
        return await api.work_on_policy(tx, database.clock, command)


async def begun(programme: Programme, policy: Policy = DEARER, actor: str = "staff:anna") -> api.PolicyDraft:
    return await work(programme, api.CreateDraft(name="autumn", actor=actor, policy=policy))


async def scheduled(
    programme: Programme, draft: api.PolicyDraft, at: datetime, actor: str = "staff:anna"
) -> api.PolicyDraft:
    command = api.ScheduleDraft(draft_id=draft.draft_id, revision=draft.revision, active_from=at, actor=actor)
    return await work(programme, command)


def agreeing(draft: api.PolicyDraft, at: datetime, actor: str = "staff:bo") -> api.AnswerDraft:
    """Return the answer of who saw this draft proposed for an instant."""
    return api.AnswerDraft(draft_id=draft.draft_id, agree=True, revision=draft.revision, active_from=at, actor=actor)


async def withdrawn(programme: Programme, version: int, actor: str = "staff:anna") -> api.PolicyVersion:
    database = programme.database
    async with database.transaction() as tx:
        command = api.WithdrawVersion(version=version, actor=actor, reason="not yet")
        return await api.withdraw_policy(tx, database.clock, command)


async def states(programme: Programme) -> list[tuple[int, str]]:
    async with programme.database.transaction() as tx:
        return [(one.version, one.state) for one in await api.read_versions(tx)]


async def test_a_draft_becomes_a_version_and_time_alone_brings_it_into_force(at_noon: Programme) -> None:
    programme = at_noon
    member = await programme.member()
    draft = await begun(programme)
    assert (draft.state, draft.revision, draft.policy) == ("draft", 1, DEARER)
    assert await states(programme) == [(1, "active")]

    done = await scheduled(programme, draft, NOON + DAY)
    assert (done.state, done.version) == ("scheduled", 2)
    assert await states(programme) == [(1, "active"), (2, "scheduled")]
    before = await programme.one(order(member, "A", NOON + DAY - SECOND, 10_000))
    after = await programme.one(order(member, "B", NOON + DAY, 10_000))
    assert isinstance(before, OrderSettlement)
    assert isinstance(after, OrderSettlement)
    assert [(one.points_earned, one.policy_version) for one in (before, after)] == [(100, 1), (50, 2)]

    set_clock(programme.database, NOON + DAY)
    assert await states(programme) == [(1, "retired"), (2, "active")]
    returned = await programme.one(back(member, "A", NOON + 2 * DAY, 5_000))
    assert isinstance(returned, ReturnSettlement)
    assert returned.points_clawed_back == 50  # by the version of its time: half of 100
    assert await programme.problems() == {}


async def test_each_act_is_audited_with_who_why_and_what(at_noon: Programme) -> None:
    draft = await begun(at_noon)
    await scheduled(at_noon, draft, NOON + DAY)
    await withdrawn(at_noon, 2)
    found = await at_noon.rows(
        "SELECT actor, action, subject, reason, detail <> '' FROM audit_entries ORDER BY entry_id"
    )
    assert [row[1] for row in found] == ["create_policy_draft", "activate_policy", "withdraw_policy"]
    assert {row[0] for row in found} == {"staff:anna"}
    assert found[2][2:4] == ("policy version 2", "not yet")
    assert found[1][4] is True
    events = await at_noon.rows("SELECT type FROM outbox WHERE type LIKE 'Policy%%' ORDER BY seq")
    assert events == [("PolicyScheduled",), ("PolicyWithdrawn",)]


async def test_a_lost_update_is_refused_and_every_revision_stays(at_noon: Programme) -> None:
    draft = await begun(at_noon)
    mine = api.ChangeDraft(draft_id=draft.draft_id, revision=1, name="autumn", policy=EASY, actor="staff:bo")
    changed = await work(at_noon, mine)
    assert (changed.revision, changed.policy, changed.changed_by) == (2, EASY, "staff:bo")
    with pytest.raises(DraftChanged):
        await work(at_noon, structs.replace(mine, policy=STRICT))
    with pytest.raises(DraftChanged):
        await scheduled(at_noon, draft, NOON + DAY)
    same = await work(at_noon, structs.replace(mine, revision=2))
    assert same.revision == 2
    async with at_noon.database.transaction() as tx:
        revisions = await api.read_revisions(tx, draft.draft_id)
    assert [(one.revision, one.policy) for one in revisions] == [(2, EASY), (1, DEARER)]


async def test_what_is_over_is_not_worked_on(at_noon: Programme) -> None:
    draft = await begun(at_noon)
    gone = await work(at_noon, api.AbandonDraft(draft_id=draft.draft_id, actor="staff:bo", reason="no"))
    assert (gone.state, gone.note, gone.policy) == ("abandoned", "no", DEARER)
    for command in (
        api.AbandonDraft(draft_id=draft.draft_id, actor="x"),
        api.ChangeDraft(draft_id=draft.draft_id, revision=1, name="n", policy=EASY, actor="x"),
        api.ScheduleDraft(draft_id=draft.draft_id, revision=1, active_from=NOON + DAY, actor="x"),
    ):
        with pytest.raises(DraftNotOpen):
            await work(at_noon, command)
    with pytest.raises(DraftNotProposed):
        await work(at_noon, agreeing(draft, NOON, "y"))
    with pytest.raises(UnknownDraft):
        await work(at_noon, api.AbandonDraft(draft_id=new_id(), actor="x"))
    async with at_noon.database.transaction() as tx:
        assert await api.list_drafts(tx) == []
        assert [one.draft_id for one in await api.list_drafts(tx, ended=True)] == [draft.draft_id]


async def test_an_instant_must_be_ahead_after_the_latest_and_in_an_open_month(at_noon: Programme) -> None:
    draft = await begun(at_noon)
    for at in (NOON - DAY, NOON, NOON + MINUTE - SECOND):
        with pytest.raises(InstantTooNear):
            await scheduled(at_noon, draft, at)
    for at in (NOON + 3_661 * DAY, datetime(9999, 12, 31, 23, tzinfo=timezone(-8 * HOUR))):  # in UTC it has no year
        with pytest.raises(InstantTooFar):
            await scheduled(at_noon, draft, at)
        async with at_noon.database.transaction() as tx:
            with pytest.raises(InstantTooFar):
                await api.ask_preview(tx, PREVIEW, api.AskPreview(actor="x", draft_id=draft.draft_id, active_from=at))
    with pytest.raises(PolicyUnchanged):
        await scheduled(at_noon, await begun(at_noon, EASY), NOON + DAY)
    await scheduled(at_noon, draft, NOON + MINUTE)
    later = await begun(at_noon, structs.replace(DEARER, payment=api.PaymentPolicy(max_percent=7)))
    with pytest.raises(InstantBeforeLatest):
        await scheduled(at_noon, later, NOON + MINUTE)
    assert await states(at_noon) == [(1, "active"), (2, "scheduled")]
    other = await begun(at_noon, structs.replace(DEARER, tier=structs.replace(DEARER.tier, tiers=TIERS[:3])))
    with pytest.raises(TiersMustStay):
        await scheduled(at_noon, other, NOON + DAY)


async def test_a_version_is_withdrawn_before_its_instant_and_never_after(at_noon: Programme) -> None:
    programme = at_noon
    await scheduled(programme, await begun(programme), NOON + DAY)
    gone = await withdrawn(programme, 2)
    assert (gone.state, gone.withdrawn_by, gone.withdrawn_because, gone.active_until) == (
        "withdrawn",
        "staff:anna",
        "not yet",
        None,
    )
    with pytest.raises(VersionWithdrawn):
        await withdrawn(programme, 2)
    member = await programme.member()
    assert await states(programme) == [(1, "active"), (2, "withdrawn")]
    again = await scheduled(programme, await begun(programme), NOON + DAY)
    assert again.version == 3
    paid = await programme.one(order(member, "A", NOON + DAY, 10_000))
    assert isinstance(paid, OrderSettlement)
    assert (paid.points_earned, paid.policy_version) == (50, 3)
    for at in (NOON + DAY - MINUTE + SECOND, NOON + DAY, NOON + 2 * DAY):
        set_clock(programme.database, at)
        with pytest.raises(VersionInForce):
            await withdrawn(programme, 3)
    with pytest.raises(VersionInForce):
        await withdrawn(programme, 1)
    assert await programme.problems() == {}


async def test_where_the_policy_wants_two_one_proposes_and_another_agrees(
    database: Database, vault: LocalVault
) -> None:
    programme = await Programme.begin(database, vault, STRICT)
    set_clock(database, NOON)
    draft = await begun(programme)
    proposed = await scheduled(programme, draft, NOON + DAY)
    assert (proposed.state, proposed.proposed_for, proposed.proposed_by) == ("proposed", NOON + DAY, "staff:anna")
    agree = agreeing(draft, NOON + DAY, "staff:anna")
    with pytest.raises(OwnProposal):
        await work(programme, agree)
    with pytest.raises(DraftNotOpen):
        await scheduled(programme, draft, NOON + 2 * DAY)
    with pytest.raises(MayBeOnePerson):
        await work(programme, structs.replace(agree, actor="cli:anna"))
    refused = await work(programme, structs.replace(agree, agree=False, actor="staff:bo", note="too soon"))
    assert (refused.state, refused.note, refused.proposed_for) == ("draft", "too soon", None)
    await scheduled(programme, refused, NOON + 2 * DAY)
    with pytest.raises(ProposalChanged):
        await work(programme, structs.replace(agree, actor="staff:bo"))
    done = await work(programme, agreeing(draft, NOON + 2 * DAY))
    assert (done.state, done.version) == ("scheduled", 2)
    async with database.transaction() as tx:
        version = await api.read_version(tx, 2)
        with pytest.raises(SecondPersonNeeded):
            await api.require_alone(tx)
    assert (version.scheduled_by, version.approved_by, version.active_from) == (
        "staff:anna",
        "staff:bo",
        NOON + 2 * DAY,
    )


async def test_nobody_agrees_to_what_they_were_never_shown(database: Database, vault: LocalVault) -> None:
    """The proposer takes it back, writes something else, and proposes that, while the other one has a page open."""
    programme = await Programme.begin(database, vault, STRICT)
    set_clock(database, NOON)
    draft = await begun(programme, structs.replace(DEARER, changes=STRICT.changes))
    await scheduled(programme, draft, NOON + DAY)
    shown = agreeing(draft, NOON + DAY)
    await work(programme, structs.replace(shown, agree=False, actor="staff:anna"))
    cheap = structs.replace(STRICT, earning=structs.replace(EASY.earning, minor_per_point=1))
    change = api.ChangeDraft(draft_id=draft.draft_id, revision=1, name="n", policy=cheap, actor="staff:anna")
    changed = await work(programme, change)
    await scheduled(programme, changed, NOON + DAY)
    with pytest.raises(ProposalChanged):
        await work(programme, structs.replace(shown, agree=False))
    with pytest.raises(ProposalChanged) as caught:
        await work(programme, shown)
    assert caught.value.data == {"current": 2, "active_from": (NOON + DAY).isoformat()}
    acts = await programme.rows("SELECT action FROM audit_entries WHERE action LIKE '%%_policy' ORDER BY entry_id")
    assert acts == [("propose_policy",), ("take_back_policy",), ("propose_policy",)]
    assert await states(programme) == [(1, "active")]


@pytest.mark.parametrize("one_of_two", ["staff:anna", "staff:bo"])
async def test_what_two_decided_nobody_else_takes_back_alone(
    database: Database, vault: LocalVault, one_of_two: str
) -> None:
    programme = await Programme.begin(database, vault, STRICT)
    set_clock(database, NOON)
    draft = await begun(programme, structs.replace(DEARER, changes=STRICT.changes))
    await scheduled(programme, draft, NOON + DAY)
    with pytest.raises(DecidedByOthers):
        await work(programme, api.AbandonDraft(draft_id=draft.draft_id, actor="staff:eve"))
    await work(programme, agreeing(draft, NOON + DAY))
    with pytest.raises(DecidedByOthers):
        await withdrawn(programme, 2, "staff:eve")
    assert await states(programme) == [(1, "active"), (2, "scheduled")]
    assert (await withdrawn(programme, 2, one_of_two)).state == "withdrawn"
    other = await begun(programme, structs.replace(DEARER, changes=STRICT.changes))
    await scheduled(programme, other, NOON + DAY)
    gone = await work(programme, api.AbandonDraft(draft_id=other.draft_id, actor="staff:anna"))
    assert gone.state == "abandoned"


async def test_an_older_draft_sets_nothing_back_without_a_word(at_noon: Programme) -> None:
    """Two begin from the first version; the second, who never touched earning, would set it back."""
    first, second = (
        await begun(at_noon),
        await begun(at_noon, structs.replace(EASY, payment=api.PaymentPolicy(max_percent=9))),
    )
    assert (first.based_on, second.based_on) == (1, 1)
    await scheduled(at_noon, first, NOON + DAY)
    with pytest.raises(DraftBehind) as caught:
        await scheduled(at_noon, second, NOON + 2 * DAY)
    assert caught.value.data == {"latest": 2, "based_on": 1}
    command = api.ScheduleDraft(
        draft_id=second.draft_id, revision=1, active_from=NOON + 2 * DAY, actor="staff:anna", based_on=2
    )
    with pytest.raises(UnknownVersion) as unknown:  # compared with what is not there, it would never be behind
        await work(at_noon, structs.replace(command, based_on=3))
    assert (unknown.value.pointer, unknown.value.data) == ("/based_on", {"version": 3})
    done = await work(at_noon, command)
    assert (done.state, done.version, done.based_on) == ("scheduled", 3, 2)


async def test_a_proposal_is_agreed_to_only_while_nothing_came_after_it(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, STRICT)
    set_clock(database, NOON)
    first = await begun(programme, structs.replace(DEARER, changes=STRICT.changes))
    second = await begun(programme, structs.replace(STRICT, payment=api.PaymentPolicy(max_percent=9)))
    await scheduled(programme, first, NOON + DAY)
    await scheduled(programme, second, NOON + 2 * DAY)
    await work(programme, agreeing(first, NOON + DAY))
    with pytest.raises(DraftBehind):
        await work(programme, agreeing(second, NOON + 2 * DAY))
    assert await states(programme) == [(1, "active"), (2, "scheduled")]


async def test_no_version_begins_in_a_closed_month(at_noon: Programme) -> None:
    await at_noon.execute(
        "INSERT INTO finance_bounds (month, market, time_zone, until) "
        "VALUES ('2017-01-01', 'US', 'America/New_York', '2017-02-01T05:00:00Z')"
    )
    closed_until = NOON.replace(hour=5)
    with pytest.raises(InstantInClosedMonth):
        await at_noon.activate(DEARER, closed_until - SECOND)
    appended = await at_noon.activate(DEARER, closed_until)
    assert appended.version == 2


GUARDED = [
    "UPDATE loyalty_policies SET document = '{}' WHERE version = 1",
    "UPDATE loyalty_policies SET active_from = active_from + interval '1 day' WHERE version = 2",
    "DELETE FROM loyalty_policies WHERE version = 2",
    "TRUNCATE loyalty_policies CASCADE",
    "UPDATE policy_withdrawals SET reason = ''",
    "DELETE FROM policy_withdrawals",
    "UPDATE policy_draft_revisions SET document = '{}'",
    "DELETE FROM policy_draft_revisions",
    "DELETE FROM policy_drafts",
    "UPDATE policy_drafts SET note = 'other' WHERE state = 'scheduled'",
]


@pytest.mark.parametrize("statement", GUARDED)
async def test_the_database_itself_refuses_to_change_what_was_said(at_noon: Programme, statement: str) -> None:
    await scheduled(at_noon, await begun(at_noon), NOON + DAY)
    await withdrawn(at_noon, 2)
    with pytest.raises(database_errors.RestrictViolation):
        await at_noon.execute(statement)


async def test_the_database_itself_refuses_to_withdraw_what_came(at_noon: Programme) -> None:
    with pytest.raises(database_errors.CheckViolation):
        await at_noon.execute(
            "INSERT INTO policy_withdrawals SELECT version, active_from, active_from, 'x', '' FROM loyalty_policies"
        )
    with pytest.raises(database_errors.ForeignKeyViolation):
        await at_noon.execute(
            "INSERT INTO policy_withdrawals "
            "SELECT version, active_from + interval '1 day', active_from, 'x', '' FROM loyalty_policies"
        )


# --- through the API ----------------------------------------------------------------------------------------------


@pytest.fixture
async def client(at_noon: Programme, vault: LocalVault, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    services = Services(Settings(home=tmp_path), at_noon.database, vault)
    async with at_noon.database.transaction() as tx:
        _, token = await keys.create_key(tx, label="test", scopes=["policies:read", "policies:write", "ledger:read"])
    transport = httpx.ASGITransport(app=create_app(services, web(services)))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as opened:
        yield opened
    await services.drain()


def key(text: str, language: str = "en") -> dict[str, str]:
    return {"Idempotency-Key": text, "Accept-Language": language}


async def test_the_way_of_a_draft_through_the_api(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/policy-drafts", json={"name": "autumn"}, headers=key("1"))
    assert made.status_code == 200, made.text
    draft = made.json()
    again = await client.post("/v1/policy-drafts", json={"name": "autumn"}, headers=key("1"))
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (draft, "true")
    path = f"/v1/policy-drafts/{draft['draft_id']}"

    policy = draft["policy"]
    policy["tier"]["tiers"][2]["threshold"] = 3_000
    body = {"revision": 1, "name": "autumn", "policy": policy}
    changed = await client.put(path, json=body)
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    lost = await client.put(path, json={**body, "name": "other"})
    assert (lost.status_code, lost.json()["code"]) == (409, "draft_changed")

    compared = await client.get("/v1/policy-diff", params={"after": draft["draft_id"]}, headers=key("", "zh"))
    (one,) = compared.json()["differences"]
    assert (one["pointer"], one["before"], one["after"]) == ("/tier/tiers/gold/threshold", 2_500, 3_000)
    assert one["said"] == "金卡所需成长值改为 3,000（原为 2,500）。"

    when = (NOON + DAY).isoformat()
    done = await client.post(f"{path}/schedule", json={"revision": 2, "active_from": when}, headers=key("2"))
    assert (done.status_code, done.json()["state"], done.json()["version"]) == (200, "scheduled", 2)
    listed = (await client.get("/v1/policies")).json()
    assert (listed["in_force"], [(each["version"], each["state"]) for each in listed["policies"]]) == (
        1,
        [(2, "scheduled"), (1, "active")],
    )
    gone = await client.post("/v1/policies/2/withdraw", json={"reason": "not yet"}, headers=key("3"))
    assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
    listed = (await client.get("/v1/policies?withdrawn=true")).json()
    assert [each["state"] for each in listed["policies"]] == ["withdrawn", "active"]
    assert (await client.get(path)).json()["state"] == "scheduled"


REFUSED = [
    (lambda policy: policy["earning"].update(minor_per_pont=1), "field_unknown", "/policy/earning/minor_per_pont"),
    (
        lambda policy: policy["tier"]["tiers"][2].update(threshold=10),
        "thresholds_do_not_rise",
        "/policy/tier/tiers/2/threshold",
    ),
    (
        lambda policy: policy["tier"]["tiers"][0].update(threshold=1),
        "lowest_tier_not_zero",
        "/policy/tier/tiers/0/threshold",
    ),
    (lambda policy: policy["tier"]["tiers"][1].update(code="gold"), "tier_twice", "/policy/tier/tiers/2/code"),
    (lambda policy: policy.update(spending_wallet="growth"), "wallet_unfit", "/policy/spending_wallet"),
    (lambda policy: policy["payment"].update(max_percent=101), "out_of_range", "/policy/payment/max_percent"),
]


@pytest.mark.parametrize(("spoil", "code", "pointer"), REFUSED)
async def test_what_cannot_be_is_refused_at_its_field(
    client: httpx.AsyncClient, spoil: Callable[[dict[str, Any]], object], code: str, pointer: str
) -> None:
    made = (await client.post("/v1/policy-drafts", json={"name": "autumn"}, headers=key("1"))).json()
    spoil(made["policy"])
    body = {"name": "other", "policy": made["policy"]}
    refused = await client.post("/v1/policy-drafts", json=body, headers=key("2", "zh"))
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert code != "field_unknown" or refused.json()["data"]["known"].startswith("minor_per_point, ")
    assert len((await client.get("/v1/policy-drafts")).json()["drafts"]) == 1


async def test_drafts_are_paged_to_their_end(client: httpx.AsyncClient) -> None:
    for number in range(1, 5):
        await client.post("/v1/policy-drafts", json={"name": f"draft {number}"}, headers=key(str(number)))
    first = (await client.get("/v1/policy-drafts?limit=3")).json()
    rest = (await client.get(f"/v1/policy-drafts?limit=3&cursor={first['next_cursor']}")).json()
    assert [one["name"] for one in first["drafts"] + rest["drafts"]] == [f"draft {number}" for number in (4, 3, 2, 1)]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert (await client.get("/v1/policy-drafts?cursor=nowhere")).status_code == 422


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    unknown = f"pdr_{UUID(int=7).hex}"
    for path in (f"/v1/policy-drafts/{unknown}", "/v1/policy-drafts/7", f"/v1/policy-drafts/{unknown}/revisions"):
        assert (await client.get(path)).status_code == 404
    for named in ("9", "pdr_7", "x"):
        assert (await client.get("/v1/policy-diff", params={"after": named})).status_code == 404
    gone = await client.post("/v1/policies/9/withdraw", json={}, headers=key("1"))
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_version")
