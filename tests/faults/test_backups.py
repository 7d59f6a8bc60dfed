"""A backup under load, processes killed, more load: restored to an instant, it holds what was acknowledged by then."""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from regulars.demo.programme import MARKET
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.backups.folder import listed_in
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.embedded import acquire
from regulars.platform.vault.journal import ErasureJournal
from regulars.platform.vault.local import LocalVault
from tests.faults.books import problems_of, read_books
from tests.faults.load import ACCRUAL, Load, Operation, line
from tests.faults.product import Product, Shop, product_at, until_true
from tests.faults.rounds import MEMBERS, Rounds, kill, rounds_on
from tests.faults.shop import STORE, prepare, public
from tests.faults.test_clock_steps import ANSWERS, until_answered
from tests.faults.test_lifecycle import url_of
from tests.faults.victims import EVERYTHING, WEB

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Instant:
    """An instant on both clocks: the wall's, by which commits are dated, and the one by which the clients measure."""

    wall: datetime
    monotonic: float


async def test_any_instant_can_be_restored_and_who_was_erased_since_stays_erased(tmp_path: Path) -> None:
    settings = {"REGULARS_BACKUP_FOLDER": str(tmp_path / "backups"), "REGULARS_ERASURE_WAIT_HOURS": "0"}
    keys, other = tmp_path / "keys", tmp_path / "other"
    other.mkdir()
    with product_at(tmp_path, settings=settings) as product, product_at(other, settings=settings) as again:
        shop = await prepare(product, MEMBERS)
        leaver = await sign_up_one(product, shop)
        product.add(WEB, "serve")
        async with rounds_on(product, seed=1) as rounds:
            await until_true(lambda: listed_in(tmp_path / "backups"))  # the worker's own, its first
            instant = await send_past_an_instant(rounds, keys)
            cursor = (await rounds.load.http.get("/v1/events", params={"cursor": "now"})).json()["next_cursor"]
            erased = product.ask("privacy", "erase", leaver, "--reason", "asked to", "--confirm", leaver, "--json")
            await until_true(lambda: UUID(leaver.removeprefix("mbr_")) in ErasureJournal(journal_of(product)).read())
        assert erased["member_id"] == leaver
        again.home.mkdir(mode=0o700)
        shutil.copyfile(journal_of(product), journal_of(again))  # the latest one; the keys are of before the erasure
        told = again.ask("restore", "--to", instant.wall.isoformat(), "--keys", str(keys), "--json")
        assert (told["keys"], told["whole"]) == (True, False)
        assert datetime.fromisoformat(told["last_change"]) <= instant.wall
        (erasure,) = again.ask("privacy", "erasures", "--json")["erasures"]
        assert (erasure["member_id"], erasure["state"]) == (leaver, "carried_out")  # again, before anything is served
        again.shop = replace(shop, url=url_of(again))
        again.add(WEB, "serve")
        async with rounds_on(again, seed=2) as there:
            check_books(again.shop, rounds.load.operations, instant)
            await check_answers(there.load, rounds.load.operations, instant)
            refused = await there.load.http.get("/v1/events", params={"cursor": cursor})
            assert (refused.status_code, refused.json()["code"]) == (410, "event_cursor_outdated")
            await there.check_drained()
        verified = again.ask("verify", "--json")
        assert verified["ok"], [one for one in verified["checks"] if not one["ok"]]


async def sign_up_one(product: Product, shop: Shop) -> str:
    """Sign up a member of whom the load knows nothing."""
    with acquire(product.home):
        vault = LocalVault(product.home / "vault")
        try:
            async with Database(shop.url, pool_size=1) as database, database.transaction(actor="tests") as tx:
                identity = IdentityValue(IdentityKind.EXTERNAL, "faults:leaver")
                wish = SignUp(market=MARKET.code, identities=(identity,), channel="store", store_id=STORE)
                (signed_up,) = await members.sign_up(tx, vault, [wish])
        finally:
            vault.close()
    assert isinstance(signed_up, Member)
    return public(signed_up.member_id)


async def send_past_an_instant(rounds: Rounds, keys: Path) -> Instant:
    """Send load; meanwhile take a backup, copy the keys, kill everything. Return an instant in the midst after that."""
    chosen: list[Instant] = []

    async def meanwhile(is_over: Callable[[], bool]) -> None:
        await until_answered(rounds, rounds.load.acknowledged(), is_over)
        taken = await asyncio.to_thread(rounds.product.ask, "backup", "--json")
        await asyncio.to_thread(rounds.product.ask, "backup", "keys", str(keys), "--json")
        assert taken["size_bytes"] > 0
        assert kill(rounds.product, EVERYTHING, rounds.random)
        await until_answered(rounds, rounds.load.acknowledged(), is_over)
        chosen.append(Instant(wall_now(), time.monotonic()))
        await until_answered(rounds, rounds.load.acknowledged(), is_over)

    await rounds.send(meanwhile)
    return chosen[0]


def journal_of(product: Product) -> Path:
    """Return where the erasure journal of a product is."""
    return product.home / "vault.erasures"


def check_books(shop: Shop, sent: list[Operation], instant: Instant) -> None:
    """What was acknowledged by then is in the books, what was asked for afterwards is not, and they add up."""
    before = [one for one in sent if one.answer is not None and one.answered < instant.monotonic]
    under_way = [one for one in sent if one not in before and one.began < instant.monotonic]
    assert len(before) > 2 * ANSWERS, "there was little to lose"
    assert len(before) + len(under_way) + ANSWERS <= len(sent), "there was little to leave out"
    known = [*before, *[replace(one, answer=None) for one in under_way]]
    found = problems_of(read_books(shop.url), shop, known)
    assert not found, f"{len(found)} problems: {found[:10]}"


async def check_answers(load: Load, sent: list[Operation], instant: Instant) -> None:
    """Who asks again gets the answer of before; what the restore took back is carried out."""
    answered = [one for one in sent if one.answer is not None and one.answer.done]
    kept = [one for one in answered if one.answered < instant.monotonic][-1]
    lost = next(one for one in answered if one.began > instant.monotonic and one.kind == ACCRUAL)
    async with line() as own:
        again, anew = await load.send(kept, own), await load.send(lost, own)
    assert again is not None
    assert kept.answer is not None
    assert (again.replayed, again.body) == (True, kept.answer.body)
    assert anew is not None
    assert (anew.replayed, anew.done) == (False, True)
