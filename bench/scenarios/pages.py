"""What a page costs the server with a million members: CPU of the web process and of PostgreSQL for one view."""

import asyncio
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from psycopg import AsyncConnection

from bench.crowd import WHALE, Crowd, crowded, email, store_id
from bench.figures import Budget, Row, row
from bench.options import Options
from bench.page_list import PAGES
from bench.page_proofs import prove, prove_crowd, settled
from bench.programme import Site, member_id, public
from bench.proofs import drained
from bench.server import BenchBroken, empty_route, product
from bench.usage import cpu_seconds, server_cpu_seconds
from bench.visitors import Browser, enrol_device, sign_in_member, sign_in_staff
from regulars.demo.programme import MARKET
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import AdjustmentRequest, AskAdjustment, HoldStanding, PlaceHold
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, SignUp
from regulars.members.contracts.households import FormHousehold
from regulars.members.contracts.proposals import ProposalsWanted
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.clock import wall_now
from regulars.platform.embedded.server import wait_until_stopped
from regulars.platform.ids import new_id, public_id
from regulars.platform.vault.local import LocalVault

CPU_MS: Final = Budget(most=10)
VIEWS: Final = 20  # a page and round
_WARM_UP: Final = 3
_NOTHING: Final = "the framework's empty route"
_OF_A_RETURN: Final = "SELECT order_id FROM order_returns WHERE member_id = %s ORDER BY order_id LIMIT 1"
_SOLD_HERE: Final = "SELECT order_id FROM orders WHERE member_id = %s AND store_id = %s ORDER BY order_id LIMIT 1"
_STATEMENT: Final = re.compile(r"LOG:  (?:execute [^:]*|statement): (?!BEGIN|COMMIT|SET LOCAL)")


@dataclass(slots=True)
class Seen:
    """What the views of one page needed: milliseconds a view, for each round; bytes and statements of one."""

    web: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)
    size: int = 0
    statements: int = 0


def pages(options: Options) -> list[Row]:
    """Measure every page of the three faces. Raises BenchBroken."""
    home = Path(tempfile.mkdtemp(prefix="regulars-bench-"))
    try:
        return asyncio.run(_measured(home, options))
    finally:
        wait_until_stopped(home)
        shutil.rmtree(home, ignore_errors=True)


async def _measured(home: Path, options: Options) -> list[Row]:
    async with crowded(home, options.crowd) as crowd:
        await prove_crowd(crowd)
        with product(home, {"REGULARS_DEVELOPMENT": "true"}) as (port, _):
            browsers = {
                "staff": sign_in_staff(port, Role.OWNER),
                "shop": sign_in_staff(port, Role.STORE_MANAGER),
                "member": sign_in_member(port, WHALE),
                "anybody": Browser(port),
            }
            browsers["device"] = enrol_device(browsers["staff"], port, store_id(0))
            await drained(Site(home, crowd.url, crowd.database, "", 0))
            await settled(crowd, browsers)
            names = await _names(crowd, browsers)
        asked = {page: path.format(**names) for page, (_, path) in PAGES.items()}
        with product(home, also=["--no-work"]) as (port, pid), empty_route(home) as (empty_port, empty_pid):
            nothing, of_nothing = Browser(empty_port), Seen()
            browsers = {who: browser.moved(port) for who, browser in browsers.items()}
            await prove(crowd, browsers)
            seen = {page: Seen() for page in PAGES}
            await _count_statements(crowd, browsers, asked, seen)
            for _ in range(options.rounds):
                _view(home, empty_pid, nothing, "/empty", of_nothing)
                for page, (who, _) in PAGES.items():
                    _view(home, pid, browsers[who], asked[page], seen[page])
    return [_row(_NOTHING, of_nothing), *[_row(page, one) for page, one in seen.items()]]


async def _kept_and_asked(crowd: Crowd) -> dict[str, str]:
    """Hold a point, and ask for a correction that a second person would have to approve; returns the ids of both."""
    whale, told = member_id(WHALE), {"wallet": "points", "amount": 1, "reference": "bench"}
    configuration = loyalty.Configuration()
    async with crowd.database.transaction(actor="bench", set_based=True) as tx:
        hold = PlaceHold(member_id=whale, purpose="Talk", deadline=tx.now + timedelta(days=30), **told)  # type: ignore[arg-type] # its fields
        ask = AskAdjustment(member_id=whale, reason="counted anew", actor="bench", **told)  # type: ignore[arg-type] # its fields
        (held,) = await loyalty.carry_out(tx, configuration, [hold])
        (asked,) = await loyalty.decide_adjustments(tx, configuration, [ask])
    if not isinstance(held, HoldStanding) or not isinstance(asked, AdjustmentRequest):
        raise BenchBroken("no point could be held, or no correction asked for")
    home = new_id()
    async with crowd.database.transaction(actor="bench") as tx:
        wish = FormHousehold(household_id=home, head_id=whale, actor="bench", reason="of the bench")
        await members.households.form_household(tx, LocalVault(crowd.home / "vault"), 8, wish)
    return {
        "hold_id": public_id("hld", held.hold_id),
        "request_id": public_id("adj", asked.request_id),
        "household_id": public_id("hhd", home),
    }


async def _proposed(crowd: Crowd) -> str:
    """Let a sign-up name the whale's address and somebody's card together; return the id of the proposal."""
    vault = LocalVault(crowd.home / "vault")
    card, address = IdentityValue(IdentityKind.CARD, "BENCH00017"), IdentityValue(IdentityKind.EMAIL, email(WHALE))
    async with crowd.database.transaction(actor="bench") as tx:
        for given in ((card,), (card, address)):
            wish = SignUp(market=MARKET.code, identities=given, channel="store")
            await members.proposals.note(tx, vault, await members.sign_up(tx, vault, [wish]))
        found = await members.proposals.list_proposals(tx, ProposalsWanted())
    if not found:
        raise BenchBroken("two who were named together were not proposed")
    return public_id("mpr", found[0][0].proposal_id)


async def _names(crowd: Crowd, browsers: dict[str, Browser]) -> dict[str, str]:
    """Return what to put into addresses, found as people find it."""
    whale, staff, device = member_id(WHALE), browsers["staff"], browsers["device"]
    async with crowd.database.transaction() as tx:
        returned, sold = await tx.rows(_OF_A_RETURN, (whale,)), await tx.rows(_SOLD_HERE, (whale, store_id(0)))
    order = str(returned[0][0])
    seen, _ = device.post("/store/find", code=email(WHALE))
    device.cookies.update(browsers["shop"].cookies)  # somebody is signed in at the till who may take returns
    receipt, _ = device.post("/store/returns/find", code=order)
    _, link = staff.post("/console/staff/invite", 200, email="new@bench.example", name="New", roles="care")
    found = re.search(r"/console/invitation/([\w-]+)", link)
    if found is None:
        raise BenchBroken("the console shows no link for who was invited")
    draft, _ = staff.post("/console/policies", name="Gold asks for more", version="")
    preview, _ = staff.post("/console/policies/previews", draft=draft.rpartition("/")[2], at="")
    return {
        "draft_id": draft.rpartition("/")[2],
        "preview_id": preview.rpartition("/")[2],
        "member_id": public(WHALE),
        "month": f"{wall_now():%Y-%m}",
        "lot_no": "1",
        "entry_id": "1",
        "version": "1",
        **await _kept_and_asked(crowd),
        "proposal_id": await _proposed(crowd),
        "order_id": order,
        "sold": str(sold[0][0]),
        "store_id": store_id(0),
        "staff_id": staff.found("/console/staff", r'href="/console/staff/(stf_\w+)"'),
        "message": staff.found(f"/console/members/{public(WHALE)}", r'href="/console/messages/(msg_\w+)"'),
        "kind": "receipt",
        "language": "en",
        "token": found[1],
        "seen": seen.partition("=")[2],
        "ticket": receipt.rpartition("/")[2],
        "return_id": "1",
    }


async def _count_statements(
    crowd: Crowd, browsers: dict[str, Browser], asked: dict[str, str], seen: dict[str, Seen]
) -> None:
    """Find out how many statements PostgreSQL logs for a view, at the least of three: a clock is read meanwhile."""
    log = crowd.home / "postgres" / "server.log"
    async with await AsyncConnection.connect(crowd.url, autocommit=True) as connection:
        await connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        await connection.execute("SELECT pg_reload_conf()")
        for page, (who, _) in PAGES.items():
            counts = []
            for _ in range(_WARM_UP):
                began = log.stat().st_size
                browsers[who].get(asked[page])
                with log.open("rb") as written:
                    written.seek(began)
                    counts.append(len(_STATEMENT.findall(written.read().decode(errors="replace"))))
            seen[page].statements = min(counts)
        await connection.execute("ALTER SYSTEM RESET log_statement")
        await connection.execute("SELECT pg_reload_conf()")


def _view(home: Path, pid: int, browser: Browser, path: str, seen: Seen) -> None:
    began = perf_counter()
    for _ in range(_WARM_UP):
        seen.size = len(browser.get(path))
    views = VIEWS if perf_counter() - began < _WARM_UP else _WARM_UP  # a page of seconds shows that soon enough
    web, database, times = cpu_seconds([pid]), server_cpu_seconds(home), []
    for _ in range(views):
        began = perf_counter()
        browser.get(path)
        times.append(1_000 * (perf_counter() - began))
    seen.web.append(1_000 * (cpu_seconds([pid]) - web) / views)
    seen.database.append(1_000 * (server_cpu_seconds(home) - database) / views)
    seen.elapsed.append(median(times))


def _row(page: str, seen: Seen) -> Row:
    note = (
        f"web {median(seen.web):.1f} + PostgreSQL {median(seen.database):.1f}; {median(seen.elapsed):.1f} ms elapsed, "
        f"{seen.size / 1_000:.1f} KB, {seen.statements} statements"
    )
    used = [web + database for web, database in zip(seen.web, seen.database, strict=True)]
    return row(page, "ms", used, budget=CPU_MS, note=note)
