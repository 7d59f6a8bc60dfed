"""The programme of the console's tests with more and more of everything in it, and the ids by which its pages open."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

import httpx
from msgspec.structs import replace

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Line, Payment, PutOrder, ReturnLine, ReturnOrder, Store
from regulars.engagement import api as engagement
from regulars.engagement.channels.addresses import confirm_token
from regulars.engagement.channels.composing import Composer
from regulars.engagement.channels.stopping import stop_token
from regulars.engagement.contracts import MESSAGE_PREFIX, MessageChannel
from regulars.entrypoints.exporting import PEOPLE, export_kinds
from regulars.entrypoints.importing import import_kinds
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.reactions import REACTIONS
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, AskAdjustment, PlaceHold, VoidHold
from regulars.loyalty.ledger.holding import hold_id_of
from regulars.loyalty.ledger.requests import request_id_of
from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.loyalty.preview.reports import PREVIEW
from regulars.members import api as members
from regulars.members.access.sessions import open_session
from regulars.members.contracts import MEMBER_PREFIX, Consent, ConsentChannel, ConsentGiven, Decision, Purpose
from regulars.members.contracts.households import HOUSEHOLD_PREFIX, FormHousehold
from regulars.members.contracts.privacy import EXPORT_PREFIX, AskExport
from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import STAFF_PREFIX
from regulars.platform.auth.staff import service as staff
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.bulk.tasks import run_job
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.exports import service as table_exports
from regulars.platform.exports.contracts import Chosen as TableChosen
from regulars.platform.ids import new_id, public_id
from regulars.platform.imports import service as imports
from regulars.platform.imports import store as import_store
from regulars.platform.imports.contracts import Mapped, RowProblem
from regulars.platform.imports.files import ImportFiles
from regulars.platform.outbox.relay import Relay
from regulars.platform.reports.contracts import REPORT_PREFIX
from regulars.platform.services import Services
from regulars.platform.webhooks import service as webhooks
from regulars.web.portal.wishes import Wish, Wishes
from tests.web.proposing import named_together
from tests.web.site import DAY, NOW, POLICY, Site
from tests.web.visitors import HERE, STORE

_MINUTE = timedelta(minutes=1)
_NOBODY = RowProblem(line=0, column="phone", value=None, code="member_not_found", pointer=None, data={})
_PARK: LiteralString = """
INSERT INTO parked_events (handler, seq, reader, member_id, state, attempts, error, parked_at)
SELECT 'a.handler_' || n, seq, 'reactions', member_id, 'parked', 8, 'Broken', recorded_at
FROM (SELECT * FROM outbox ORDER BY seq LIMIT 1) AS first CROSS JOIN generate_series(1, %s) AS n
ON CONFLICT DO NOTHING
"""


@dataclass
class Crowd:
    """A site that grows. `rows` is how many there are of everything that pages list."""

    services: Services
    site: Site = field(init=False)
    other: UUID = field(init=False)
    mate: UUID = field(init=False)
    proposal_id: UUID = field(init=False)
    job_id: UUID = field(init=False)
    file_id: UUID = field(init=False)
    rows: int = 0

    async def begin(self) -> "Crowd":
        """Make the site; its clock ticks, so that what happens is news."""
        self.site = await Site(self.services).begin()
        async with self.services.database.transaction() as tx:
            await set_programme_clock(tx.connection, NOW, ticking=True)
        await self.services.database.follow_clock()
        self.other = await self.site.member("13700137000", "other@home.example", at=NOW - 30 * DAY)
        self.mate = await self.site.member("13600136000", "mate@home.example", at=NOW - 30 * DAY)
        async with self.services.database.transaction() as tx:
            among = TransferPolicy(among="anyone", given_per_day=1_000, given_per_year=9_000)
            await loyalty.activate_policy(tx, replace(POLICY, transfers=among), tx.now)
        (self.proposal_id,) = await named_together(self.services, ("13700137000", "chen@home.example"))
        return self

    async def grow(self, rows: int) -> None:
        """Let there be so many shops, accounts, devices, members; and of Chen: orders, gifts, consents, sessions.

        One more order has so many lines, each with a return of its own. Everybody is told what there is to tell.
        """
        site, visitors = self.site, self.site.visitors
        for n in range(self.rows, rows):
            async with self.services.database.transaction(actor="test") as tx:
                await commerce.define_stores(tx, [Store(f"s-{n}", "CN", f"Shop {n}")])
                await visitors.account(tx, Role.CARE, f"care-{n}@shop.example")
                await members.record_consents(tx, [_consent(site.chen, n)])
            async with self.services.database.transaction(actor="test", by_keys=True) as tx:
                await loyalty.post(tx, site.rules.configuration, [_gift(site.chen, n)])
                await loyalty.carry_out(tx, site.rules.configuration, _held(site.chen, visitors.members[0], n))
                await loyalty.decide_adjustments(tx, site.rules.configuration, [_correction(site.chen, n)])
            await visitors.enrolled()
            await visitors.staff(Role.OWNER)
            await self.member_cookies()
            await site.member(f"139{n:08}", f"member-{n}@home.example", at=NOW - 30 * DAY)
            await named_together(self.services, (f"139{n:08}", "other@home.example"))
            await site.apply(site.order(f"n-{n}", 12_000, at=NOW - _MINUTE, store_id=f"s-{n}"))
        await self._order_of_many_lines(rows)
        await self._import_of_refused(rows)
        self.rows = rows
        await Relay(self.services.database, REACTIONS).drain()
        async with self.services.database.transaction(by_keys=True) as tx:
            await Composer(self.services.vault, engagement.reachable(self.services.settings)).compose(tx)
        async with self.services.database.transaction() as tx:
            tx.write(_PARK, (rows,))

    async def member_cookies(self) -> dict[str, str]:
        """Return the cookies of Chen, who has just signed in."""
        async with self.services.database.transaction() as tx:
            return {"rgl_member": (await open_session(tx, self.site.chen, HERE, remember=True)).token}

    async def ids(self, browser: httpx.AsyncClient, device: dict[str, str]) -> dict[str, str]:
        """Return what to put into addresses; a shop's device finds the member and the order itself."""
        services, visitors, order_id = self.services, self.site.visitors, f"lines-{self.rows}"
        seen = await browser.post("/store/find", data={"code": "chen@home.example"}, headers=device)
        receipt = await browser.post("/store/returns/find", data={"code": order_id}, headers=device)
        account = visitors.accounts[Role.CARE]
        async with services.database.transaction() as tx:
            hook = await webhooks.create(tx, services.vault, "http://127.0.0.1:9/", "", ["tier.lost"])
            hook_id = hook.endpoint.endpoint_id
            sent = [await webhooks.send_ping(tx, hook_id) for _ in range(self.rows)]
            made = [
                await keys.create_key(tx, label=f"Till {number}", scopes=["orders:write"])
                for number in range(self.rows)
            ]
            export = await members.ask_export(tx, AskExport(member_id=self.site.chen, actor="test"))
        assert await members.gather_waiting(services.database, services.vault, PARTS) == 1
        async with services.database.transaction() as tx:
            ((seq,),) = await tx.rows("SELECT min(seq) FROM parked_events")
            link = await staff.renew_link(tx, account.staff_id)
            begin = loyalty.CreateDraft(name=f"draft {self.rows}", actor="test")
            draft = await loyalty.work_on_policy(tx, services.database.clock, begin)
            asked = loyalty.AskPreview(actor="test", draft_id=draft.draft_id)
            preview = await loyalty.ask_preview(tx, PREVIEW, asked)
            told = await engagement.list_of_member(
                tx, services.vault, engagement.brand_of(services.settings), self.site.chen
            )
        (letter, *_) = [one for one in told.messages if one.ref.channel is MessageChannel.EMAIL]
        return {
            "member_id": public_id(MEMBER_PREFIX, self.site.chen),
            "order_id": order_id,
            "month": f"{NOW:%Y-%m}",
            "lot_no": "1",
            "entry_id": "1",
            "transfer_id": f"ptr_{32 * '0'}",
            "given_id": await self._given(),
            "wish": Wishes(services.vault.pepper).write(
                self.site.chen, Wish(to_id=self.mate, amount=1, key=new_id().hex)
            ),
            "hold_id": public_id("hld", hold_id_of("hold-0")),
            "request_id": public_id("adj", request_id_of(self.site.chen, "correction-0")),
            "absorb": public_id(MEMBER_PREFIX, self.other),
            "proposal_id": public_id("mpr", self.proposal_id),
            "merge_id": f"mrg_{32 * '0'}",
            "household_id": public_id(HOUSEHOLD_PREFIX, await self._home()),
            "store_id": STORE,
            "staff_id": public_id(STAFF_PREFIX, account.staff_id),
            "key_id": public_id("ak", made[0][0].key_id),
            **dict.fromkeys(("job_id", "import_id"), public_id(JOB_PREFIX, self.job_id)),
            "file_id": public_id(JOB_PREFIX, self.file_id),
            "webhook_id": public_id("whe", hook_id),
            "delivery_id": public_id("whd", sent[0].delivery_id),
            "handler": "a.handler_1",
            "seq": str(seq),
            "message": public_id(MESSAGE_PREFIX, letter.ref.message_id),
            "kind": letter.ref.kind.value,
            "language": "en",
            "invitation": link.token,
            "export_id": public_id(EXPORT_PREFIX, export.export_id),
            "form": "html",
            "consent": await self._asked_to_confirm(),
            "stop": stop_token(services.vault, self.site.chen),
            "confirm": confirm_token(services.vault, self.site.chen, "chen@home.example"),
            "seen": seen.headers["location"].partition("=")[2],
            "ticket": receipt.headers["location"].rpartition("/")[2],
            "return_id": "r-lines-0",
            "version": "1",
            "draft_id": public_id(loyalty.DRAFT_PREFIX, draft.draft_id),
            "preview_id": public_id(REPORT_PREFIX, preview.report_id),
        }

    async def _import_of_refused(self, count: int) -> None:
        """Have imports asked for by the owner, the last with so many refused rows."""
        owner = f"staff:{self.site.visitors.accounts[Role.OWNER].public_id}"
        kind = import_kinds(self.services.settings)["members"]
        files = ImportFiles(self.services.settings.home, self.services.vault.pepper)
        for _ in range(self.rows, count):
            async with self.services.database.transaction(actor=owner) as tx:
                one = await imports.begin(
                    tx, kind, form="csv", mapping=Mapped(), mode="rest", dry_run=True, name="people.csv", by=owner
                )
                await imports.put_part(tx, files, one.job_id, 1, b"phone\n" + 60 * b"none\n", by=owner)
                await imports.start(tx, run_job, one.job_id, by=owner)
            self.job_id = one.job_id
            await self._export(owner)
        async with self.services.database.transaction() as tx:
            refused = [replace(_NOBODY, line=n) for n in range(1, count + 1)]
            import_store.insert_problems(tx, files, self.job_id, refused)
            tx.write("UPDATE jobs SET counts = %s WHERE job_id = %s", (f'{{"refused": {count}}}', self.job_id))

    async def _export(self, owner: str) -> None:
        """Have an export asked for that is done, so that jobs of both kinds stand on every page of the list."""
        exported = export_kinds()["stores"]
        async with self.services.database.transaction(actor=owner) as tx:
            columns = table_exports.chosen_columns(exported, PEOPLE, None)
            self.file_id = await table_exports.begin(tx, run_job, exported, columns, TableChosen(), by=owner)
            tx.write("UPDATE jobs SET state = 'done', ended_at = now() WHERE job_id = %s", (self.file_id,))

    async def _home(self) -> UUID:
        """Return the household of which Chen is the head."""
        async with self.services.database.transaction() as tx:
            known = await members.households.households_of(tx, [self.site.chen])
            if known:
                return known[self.site.chen]
            wish = FormHousehold(
                household_id=new_id(),
                head_id=self.site.chen,
                member_ids=(self.mate,),
                name="Chen",
                actor="test",
                reason="they said so",
            )
            return (await members.households.form_household(tx, self.services.vault, 8, wish)).household_id

    async def _given(self) -> str:
        """Return a gift of Chen's to another member."""
        wish = loyalty.TransferPoints(
            member_id=self.site.chen,
            to_id=self.mate,
            amount=1,
            reference=f"given-{self.rows}",
            actor="test",
        )
        async with self.services.database.transaction(by_keys=True) as tx:
            (done,) = await loyalty.transfer_points(tx, self.site.rules.configuration, [wish])
        assert isinstance(done, loyalty.Transferred), done
        assert done.transfer_id is not None
        return public_id("ptr", done.transfer_id)

    async def _asked_to_confirm(self) -> str:
        """Return what a letter carries that asks Chen to confirm a consent."""
        wish = ConsentGiven(
            member_id=self.site.chen,
            purpose=Purpose.MARKETING,
            channel=ConsentChannel.EMAIL,
            decision=Decision.GIVEN,
            wording_version="of-the-crowd",
            where="store",
            actor="test",
        )
        async with self.services.database.transaction() as tx:
            (asked,) = await members.record_consents(tx, [wish], double_opt_in=frozenset({Purpose.MARKETING}))
            assert isinstance(asked, Consent), asked
            letter = await members.letter_to_confirm(tx, self.site.chen, asked.consent_id)
        assert letter is not None
        await Relay(self.services.database, REACTIONS).drain()
        return letter.token

    async def _order_of_many_lines(self, count: int) -> None:
        order_id = f"lines-{count}"
        lines = tuple(Line(f"{n}", f"tea {n}", 2_000, 1_000) for n in range(count))
        order = PutOrder(
            order_id=order_id,
            member_id=self.site.chen,
            state="paid",
            channel="store",
            store_id=STORE,
            market="CN",
            currency="CNY",
            total_minor=1_000 * count,
            lines=lines,
            occurred_at=NOW,
            payments=(Payment("card", 1_000 * count),),
        )
        returns = [
            ReturnOrder(order_id=order_id, return_id=f"r-lines-{n}", lines=(ReturnLine(f"{n}", 1_000),), store_id=STORE)
            for n in range(count)
        ]
        await self.site.apply(order, *returns)


def _gift(member_id: UUID, n: int) -> Accrue:
    expires_at = NOW + (5 + n) * DAY
    return Accrue(
        member_id=member_id, wallet="points", amount=10 + n, reference=f"gift-{n}", reason="gift", expires_at=expires_at
    )


def _held(member_id: UUID, other: UUID, n: int) -> list[Accrue | PlaceHold | VoidHold]:
    """Return a hold of a member that is let go at once, and one of another's that stays."""

    def hold(of: UUID) -> PlaceHold:
        deadline = NOW + 30 * DAY
        return PlaceHold(
            member_id=of, wallet="points", amount=1, purpose=f"Talk {n}", deadline=deadline, reference=f"hold-{n}"
        )

    gone = VoidHold(member_id=member_id, hold_id=hold_id_of(f"hold-{n}"), reason="called off")
    return [hold(member_id), gone, _gift(other, n), hold(other)]


def _correction(member_id: UUID, n: int) -> AskAdjustment:
    return AskAdjustment(
        member_id=member_id,
        wallet="points",
        amount=n + 1,
        reference=f"correction-{n}",
        reason="counted anew",
        actor="test",
    )


def _consent(member_id: UUID, n: int) -> ConsentGiven:
    return ConsentGiven(
        member_id=member_id,
        purpose=list(Purpose)[n % len(Purpose)],
        channel=list(ConsentChannel)[n % len(ConsentChannel)],
        decision=(Decision.GIVEN, Decision.WITHDRAWN)[n % 2],
        wording_version="sign-up-2026-02",
        where="store",
        actor="test",
    )
