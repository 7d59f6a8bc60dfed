"""The books: verified in the background at the press of a button, with progress, and what each check found."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import Report
from regulars.platform.reports.tasks import compute_report
from regulars.platform.verification.books import books_kind, found_by
from regulars.web.console.account import who
from regulars.web.console.reports import cancel_path
from regulars.web.kit.cells import Cell, Code
from regulars.web.kit.kit import Kit
from regulars.web.kit.texts import in_language, mark

BOOKS: Final = "/console/health/books"
READ: Final = "health:read"

AnyRequest = Request[Any, Any, Any]


def book_pages(kit: Kit) -> Sequence[ControllerRouterHandler]:
    """Return the page of the books, and where their verification is asked for. It changes nothing of theirs."""

    @get(BOOKS, guards=[kit.guards.staff(READ)])
    async def books(request: AnyRequest) -> Response[bytes]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            asked = await reports.latest(tx, books_kind(), {})
            done = await reports.latest_done(tx, books_kind(), {})
        waiting = asked if asked is not None and asked.state != "done" else None
        return kit.render(
            request,
            "console/books.html",
            waiting=waiting,
            stop=cancel_path(waiting) if waiting and waiting.asked_by == who(request).actor else "",
            facts=_facts(done, page.language) if done else [],
            found=found_by(done) if done else None,
        )

    @post(f"{BOOKS}/verify", guards=[kit.guards.staff(READ)])
    async def verify(request: AnyRequest) -> Response[bytes]:
        actor = who(request).actor
        async with kit.services.database.transaction(actor=actor) as tx:
            await reports.ask(tx, compute_report, books_kind(), {}, by=actor)
        return kit.see(BOOKS)

    return [books, verify]


def _facts(done: Report, language: str) -> list[tuple[str, Cell]]:
    found = found_by(done)
    told: list[tuple[str, Cell]] = [
        (mark("Verified"), done.ended_at),
        (mark("As of the programme clock"), done.as_of),
        (mark("Rows looked at"), sum([one.rows_checked for one in found.findings])),
        (mark("Seconds"), round(sum([one.seconds for one in found.findings]), 1)),
        (mark("Head of the audit log"), Code(found.head) if found.head else None),
        (mark("It extends the head before"), Code(found.audit_head) if found.audit_head else None),
    ]
    return [(in_language(label, language), value) for label, value in told]
