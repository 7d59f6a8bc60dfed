"""Many corrections, redemptions and holds in one request: each row as if it had come alone."""

from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.loyalty.contracts import Accrue
from regulars.loyalty.ledger.holding import hold_id_of
from regulars.loyalty.policy.contracts import AdjustmentPolicy
from regulars.loyalty.routes import routes
from regulars.platform.auth import service as auth
from regulars.platform.auth.contracts import SHELL
from regulars.platform.clock import wall_now
from regulars.platform.commit import refusals
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import EASY, Programme

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
LIMITED = structs.replace(EASY, adjustments=AdjustmentPolicy(approve_above=100, alone_per_day=250))
KINDS = ("adjustments", "redemptions", "holds", "post", "void")
SOON = (wall_now() + timedelta(days=9)).isoformat()
LONG_AGO = "2019-01-01T00:00:00Z"
CLOCK = {"recorded_at", "effective_at", "placed_at", "ended_at", "available_at", "expires_at", "earliest", "latest"}


class Wish(NamedTuple):
    """One random row, before it is known whose it is."""

    member: int
    kind: str
    reference: int
    amount: int
    wallet: str


class Counter(NamedTuple):
    """A programme with limits for one person, its API, and a way to make callers."""

    programme: Programme
    services: Services
    client: httpx.AsyncClient

    async def caller(self) -> dict[str, str]:
        """Return the header of a caller whose person corrected nothing yet."""
        async with self.services.database.transaction(actor=f"{SHELL}:{new_id().hex}") as tx:
            _, token = await auth.create_key(tx, label="test", scopes=("ledger:write",))
        return {"Authorization": f"Bearer {token}"}

    async def send(self, who: dict[str, str], path: str, body: Any, key: str = "") -> httpx.Response:  # noqa: ANN401 - any JSON value
        """Send a request of its own, or under a key."""
        return await self.client.post(path, json=body, headers=who | {"Idempotency-Key": key or new_id().hex})


@pytest.fixture
async def counter(database: Database, vault: LocalVault, tmp_path: Path) -> Counter:
    programme = await Programme.begin(database, vault, LIMITED)
    services = Services(Settings(home=tmp_path), database, vault)
    app = create_app(services, Web(routes=routes(services).routes, hot=[]))
    return Counter(programme, services, httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test"))


wishes = st.lists(
    st.builds(
        Wish,
        member=st.integers(0, 2),  # of two
        kind=st.sampled_from(KINDS),
        reference=st.integers(0, 5),
        amount=st.sampled_from([1, 40, 90, 100, 150]),
        wallet=st.sampled_from(["points", "points", "points", "growth", "gold"]),
    ),
    min_size=1,
    max_size=20,
)


def _row(wish: Wish, members: list[UUID]) -> Json:
    """Return the row of a wish, for the batch of its kind."""
    member = public_id("mbr", members[wish.member]) if wish.member < len(members) else "mbr_nobody"
    row: Json = {"member_id": member}
    if wish.kind in {"post", "void"}:
        row["hold_id"] = public_id("hld", hold_id_of(f"r:{wish.reference}"))
        return row | ({"amount": wish.amount} if wish.kind == "post" else {"reason": "called off"})
    row |= {"reference": f"r:{wish.reference}", "amount": wish.amount, "wallet": wish.wallet}
    if wish.kind == "adjustments":
        return row | {"amount": wish.amount * (-1) ** wish.reference, "reason": "Counted twice"}
    return row if wish.kind == "redemptions" else row | {"purpose": "Workshop", "deadline": SOON}


def _alone(wish: Wish, row: Json) -> tuple[str, Json]:
    """Return where a row goes that is sent alone, and what is sent."""
    body = dict(row)
    member = body.pop("member_id")
    if wish.kind in {"post", "void"}:
        return f"/v1/members/{member}/holds/{body.pop('hold_id')}/{wish.kind}", body
    return f"/v1/members/{member}/{wish.kind}", body


def _path(kind: str) -> str:
    return f"/v1/holds/{kind}/batch" if kind in {"post", "void"} else f"/v1/{kind}/batch"


def _told(document: Json, members: list[UUID]) -> str:
    """Return what was answered, without whose it is and when."""
    kept = document if "code" not in document else {"code": document["code"], "data": document.get("data")}
    text = str({name: value for name, value in _plain(kept).items() if name not in CLOCK})
    for number, member in enumerate(members):
        text = text.replace(member.hex, f"member {number}")
    return text


def _plain(document: Json) -> Json:
    data = document.get("data")
    return document | {"data": {name: data[name] for name in data if name not in CLOCK}} if data else document


def _field(kind: str) -> str:
    return "holds" if kind in {"post", "void"} else kind


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wished=wishes)
async def test_a_batch_does_what_its_rows_do_alone(counter: Counter, wished: list[Wish]) -> None:
    programme = counter.programme
    alone, together = [await programme.members(2, f"{way}:{new_id().hex}") for way in ("alone", "together")]
    for member in (*alone, *together):
        await programme.post(Accrue(member_id=member, wallet="points", amount=300, reference="gift"))
    one, many = await counter.caller(), await counter.caller()
    singles, batched = [], []
    for kind, run in groupby(sorted(wished, key=lambda wish: KINDS.index(wish.kind)), key=lambda wish: wish.kind):
        wanted = list(run)
        for wish in wanted:
            answer = await counter.send(one, *_alone(wish, _row(wish, alone)))
            singles.append((kind, answer.status_code, _told(answer.json(), alone)))
        rows = [_row(wish, together) for wish in wanted]
        batch = await counter.send(many, _path(kind), {_field(kind): rows})
        assert batch.status_code == 200, batch.text
        for row in batch.json()["rows"]:
            document = row.get("posting") or row.get("hold") or row["problem"]
            batched.append((kind, row["status"], _told(document, together)))
    assert batched == singles
    now = programme.database.clock.now()
    assert [await _wallet(programme, each, now) for each in alone] == [
        await _wallet(programme, each, now) for each in together
    ]
    assert await programme.problems() == {}


async def test_corrections_are_refused_one_by_one_and_audited(counter: Counter) -> None:
    wang, li = await counter.programme.members(2)
    rows = [
        _correction(wang, "a", 100),
        _correction(wang, "b", 101),  # above the limit for one person
        _correction(li, "c", -1),  # nothing is there
        _correction(li, "order:1", 5),
        _correction(li, "d", 100),
        _correction(wang, "e", 51),  # more than one person corrects in a day
        _correction(li, "a", 0),
        _correction(wang, "a", 100),
    ]
    who = await counter.caller()
    answer = await counter.send(who, "/v1/adjustments/batch", {"adjustments": rows}, key="night")
    again = await counter.send(who, "/v1/adjustments/batch", {"adjustments": rows}, key="night")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (answer.content, "true")
    document = answer.json()
    assert (document["posted"], document["refused"]) == (3, 5)
    assert [(row["status"], row.get("problem", {}).get("code")) for row in document["rows"]] == [
        (201, None),
        (409, "approval_needed"),
        (409, "insufficient_points"),
        (422, "reference_reserved"),
        (201, None),
        (409, "approval_needed_today"),
        (422, "amount_is_zero"),
        (201, None),
    ]
    pointers = [row["problem"]["errors"][0]["pointer"] for row in document["rows"] if "problem" in row]
    assert pointers[:2] == ["/adjustments/1/amount", "/adjustments/2/amount"]
    assert document["rows"][7]["posting"] == document["rows"][0]["posting"]
    found = await counter.programme.rows(
        "SELECT subject, detail, reason FROM audit_entries WHERE action = 'adjust_in_batch' ORDER BY detail, subject"
    )
    first = (public_id("mbr", wang), "a", "Counted twice")
    assert found == [first, first, (public_id("mbr", li), "d", "Counted twice")]
    async with counter.programme.database.transaction() as tx:
        request = document["rows"][1]["problem"]["instance"]
        assert await refusals.refused_rows(tx, request, 10) == [1, 2, 5, 6]
        told = await refusals.explain_request(tx, request, None, 5)
    assert told.reasons[0].values["action"] == "adjust_in_batch"


async def test_a_hold_ends_once_in_a_batch_and_what_cannot_be_read_changes_nothing(counter: Counter) -> None:
    (wang,) = await counter.programme.members(1)
    await counter.programme.post(Accrue(member_id=wang, wallet="points", amount=300, reference="gift"))
    who = await counter.caller()
    member = public_id("mbr", wang)
    wanted = {"member_id": member, "purpose": "Workshop", "deadline": SOON}
    rows = [
        wanted | {"reference": "a", "amount": 200},
        wanted | {"reference": "b", "amount": 101},
        wanted | {"reference": "c", "amount": 100},
        wanted | {"reference": "d", "amount": 1, "deadline": LONG_AGO},
    ]
    placed = (await counter.send(who, "/v1/holds/batch", {"holds": rows})).json()
    assert [(row["name"], row["status"]) for row in placed["rows"]] == [("a", 201), ("b", 409), ("c", 201), ("d", 422)]
    assert placed["rows"][3]["problem"]["errors"][0]["pointer"] == "/holds/3/deadline"
    ids = [row["hold"]["hold_id"] for row in placed["rows"] if "hold" in row]
    before = await counter.programme.books()
    for path, broken, code, pointer in (
        ("/v1/holds/post/batch", [{"member_id": member, "hold_id": ids[0], "amount": 0}], "out_of_range", "/0/amount"),
        ("/v1/holds/void/batch", [{"member_id": member, "hold_id": ids[0], "why": "x"}], "field_unknown", "/0/why"),
        ("/v1/holds/batch", [], "wrong_length", ""),
        ("/v1/holds/batch", [rows[0]] * 1_001, "wrong_length", ""),
    ):
        answer = await counter.send(who, path, {"holds": broken})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["errors"][0]["pointer"]) == (422, code, "/holds" + pointer)
    assert await counter.programme.books() == before
    ends = [{"member_id": member, "hold_id": hold} for hold in (ids[0], ids[0], "hld_none", ids[1])]
    posted = (await counter.send(who, "/v1/holds/post/batch", {"holds": ends[:3]})).json()
    voided = (await counter.send(who, "/v1/holds/void/batch", {"holds": ends[2:]})).json()
    assert [(row["status"], row.get("problem", {}).get("code")) for row in (*posted["rows"], *voided["rows"])] == [
        (200, None),
        (409, "hold_over"),
        (404, "unknown_hold"),
        (404, "unknown_hold"),
        (200, None),
    ]
    assert (posted["done"], posted["refused"], posted["rows"][0]["hold"]["posted"]) == (1, 2, 200)
    audited = await counter.programme.rows(
        "SELECT action, detail, reason FROM audit_entries WHERE action LIKE %s ORDER BY entry_id", ("%hold_in_batch",)
    )
    assert audited == [
        ("place_hold_in_batch", "a", "Workshop"),
        ("place_hold_in_batch", "c", "Workshop"),
        ("post_hold_in_batch", ids[0], ""),
        ("void_hold_in_batch", ids[1], ""),
    ]


async def test_redemptions_share_what_is_there(counter: Counter) -> None:
    (wang,) = await counter.programme.members(1)
    await counter.programme.post(Accrue(member_id=wang, wallet="points", amount=100, reference="gift"))
    member = public_id("mbr", wang)
    rows = [{"member_id": member, "reference": str(n), "amount": 60, "reason": "Mug"} for n in range(2)]
    rows.append({"member_id": member, "reference": "2", "amount": 40})
    answer = (await counter.send(await counter.caller(), "/v1/redemptions/batch", {"redemptions": rows})).json()
    assert [row["status"] for row in answer["rows"]] == [201, 409, 201]
    assert [row["posting"]["balance"] for row in answer["rows"] if "posting" in row] == [40, 0]


def _correction(member: UUID, reference: str, amount: int) -> Json:
    return {
        "member_id": public_id("mbr", member),
        "reference": reference,
        "amount": amount,
        "reason": "Counted twice",
    }


async def _wallet(programme: Programme, member: UUID, at: datetime) -> tuple[int, int, int]:
    found = await programme.wallet(member, at)
    return found.balance, found.available, found.held
