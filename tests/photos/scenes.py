"""What is photographed: for each address of the access matrix that is a page, the scenes in which it is seen.

A scene's path may hold names of facts (an order, a member) that `tests/photos/walks.py` finds out first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import uuid4

from playwright.sync_api import Page

State = Literal["data", "empty", "error"]
Facts = Mapping[str, str]
Act = Callable[[Page, Facts], object]


@dataclass(frozen=True, slots=True)
class Scene:
    """A page as somebody sees it. `who`: a role of staff, `member`, `new`, `device` or `nobody`."""

    name: str
    path: str
    who: str
    state: State = "data"
    act: Act | None = None


def send(**fields: str) -> Act:
    """Fill the page's form in and send it, without the browser's own checks."""

    def act(page: Page, facts: Facts) -> None:
        for name, value in fields.items():
            field = page.locator(f"main [name='{name}']").first
            if field.get_attribute("type") in {"checkbox", "radio"}:
                page.locator(f"main [name='{name}'][value='{value}']").check()
            elif field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value.format_map(facts))
            else:
                field.fill(value.format_map(facts))
        form = page.locator("main form:has(button.btn-primary)").last
        form.evaluate("one => { one.noValidate = true; }")
        with page.expect_navigation():
            form.locator("button.btn-primary").last.click()

    return act


def press(*selectors: str) -> Act:
    """Press one thing after another."""

    def act(page: Page, _: Facts) -> None:
        for selector in selectors:
            page.locator(selector).first.click()

    return act


def compute(page: Page, _: Facts) -> None:
    """Have computed what is outstanding, and wait until it is there."""
    page.locator("form[action='/console/finance/composition'] button").click()
    page.locator("#composition figure").first.wait_for(timeout=120_000)


def check_month(page: Page, _: Facts) -> None:
    """Have a month proven again, and wait until it is."""
    page.locator("form[action$='/check'] button").click()
    page.locator("#check [role=alert], #check .border-success\\/30").first.wait_for(timeout=120_000)


def first_lot(page: Page, _: Facts) -> None:
    """Go on to extending the first lot that can be extended."""
    with page.expect_navigation():
        page.locator("main tbody a[href$='/extend']").first.click()


def find(code: str, *, then: Act | None = None) -> Act:
    """Find a member at the counter by what is typed, then go on."""

    def act(page: Page, facts: Facts) -> None:
        send(code=code)(page, facts)
        if then is not None:
            then(page, facts)

    return act


def ring_up(*lines: tuple[str, str], to_payment: bool = False) -> Act:
    """Ring lines up at the till."""

    def act(page: Page, _: Facts) -> None:
        for amount, name in lines:
            page.locator("#field-amount").fill(amount)
            page.locator("#field-name").fill(name)
            with page.expect_navigation():
                page.locator("#field-name").press("Enter")
        if to_payment:
            with page.expect_navigation():
                page.locator("[formaction='/store/till/review']").click()

    return act


def ask_for_code(page: Page, facts: Facts) -> None:
    """Ask for a code for an address that nobody has: a fresh one for each picture, as only so many are sent to one."""
    send(identity=f"{uuid4().hex[:8]}@home.example")(page, facts)


def prove_address(page: Page, facts: Facts) -> None:
    """Go on with the code, which the outbox shows, to where somebody new signs up."""
    ask_for_code(page, facts)
    outbox = page.context.new_page()
    outbox.goto(page.url.partition("/portal")[0] + "/outbox")
    code = outbox.locator("main .text-3xl").first.inner_text().strip()
    outbox.close()
    send(code=code)(page, facts)


BASKET: Final = (("12.50", "Green tea"), ("8.90", "Rye bread"), ("31.20", "Olive oil"))
NOBODY: Final = "mbr_01900000000070008000000000000000"
ENDED: Final = "/console/members?q=nobody-of-this-name"

# No pages for people: parts of a page, files, and what programs ask for.
NO_PAGES: Final = frozenset(
    {
        "GET /apple-touch-icon.png",
        "GET /assets/{name}",
        "GET /console/finance/months/{month}/journal",
        "GET /console/corrections/waiting",
        "GET /console/palette",
        "GET /console/sign-in/oidc",
        "GET /console/sign-in/provider",
        "GET /health",
        "GET /kit/broken",
        "GET /kit/locked",
        "GET /manifest.webmanifest",
        "GET /openapi.json",
        "GET /portal/card/codes",
        "GET /portal/data/exports/{export_id}/{form}",
        "GET /ready",
        "GET /schema",
        "GET /schema/openapi.json",
        "GET /schema/{path}",
        "GET /worker.js",
    }
)

SCENES: Final[dict[str, tuple[Scene, ...]]] = {
    "GET /": (Scene("door/demo", "/", "nobody"), Scene("door/door", "/", "nobody", "empty")),
    "GET /console/welcome": tuple(
        Scene(f"console/welcome-{role}", "/console/welcome", role)
        for role in ("owner", "marketer", "community", "care", "finance", "store-manager", "assistant", "auditor")
    ),
    "GET /console": (
        Scene("console/overview", "/console", "owner"),
        Scene("console/overview-month", "/console?from=2017-06-01&to=2017-06-30", "owner"),
        Scene("console/overview-store-manager", "/console", "store-manager"),
        Scene("console/overview-empty", "/console", "owner", "empty"),
        Scene("console/palette", "/console", "owner", act=press("[data-opens=palette]")),
    ),
    "GET /console/members": (
        Scene("console/members", "/console/members", "owner"),
        Scene("console/members-nothing-matches", ENDED, "owner"),
        Scene("console/members-empty", "/console/members", "owner", "empty"),
        Scene("console/members-refused", "/console/members", "assistant", "error"),
    ),
    "GET /console/members/{member_id}": (
        Scene("console/member", "/console/members/{member}", "owner"),
        Scene("console/member-new", "/console/members/{new_member}", "owner", "empty"),
        Scene("console/member-unknown", "/console/members/mbr_01900000000070008000000000000000", "owner", "error"),
    ),
    "GET /console/members/{member_id}/points": (
        Scene("console/member-points", "/console/members/{member}/points", "owner"),
        Scene("console/member-points-new", "/console/members/{new_member}/points", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/orders": (
        Scene("console/member-orders", "/console/members/{member}/orders", "owner"),
        Scene("console/member-orders-new", "/console/members/{new_member}/orders", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/privacy": (
        Scene("console/member-privacy", "/console/members/{member}/privacy", "owner"),
        Scene("console/member-privacy-new", "/console/members/{new_member}/privacy", "owner", "empty"),
        Scene("console/member-erase", "/console/members/{member}/privacy", "owner", act=press("[data-opens=erase]")),
    ),
    "GET /console/privacy": (
        Scene("console/looks", "/console/privacy", "owner"),
        Scene("console/looks-empty", "/console/privacy", "owner", "empty"),
        Scene("console/looks-refused", "/console/privacy", "care", "error"),
    ),
    "GET /console/privacy/consents": (
        Scene("console/consents", "/console/privacy/consents", "owner"),
        Scene("console/consents-empty", "/console/privacy/consents", "owner", "empty"),
    ),
    "GET /console/privacy/erasures": (
        Scene("console/erasures", "/console/privacy/erasures", "owner"),
        Scene("console/erasures-empty", "/console/privacy/erasures", "owner", "empty"),
    ),
    "GET /console/privacy/exports": (
        Scene("console/exports", "/console/privacy/exports", "owner"),
        Scene("console/exports-empty", "/console/privacy/exports", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/why": (
        Scene("console/member-why", "/console/members/{member}/why", "owner"),
        Scene("console/member-why-new", "/console/members/{new_member}/why", "owner", "empty"),
    ),
    "GET /console/refusals": (
        Scene("console/refusals", "/console/refusals", "owner"),
        Scene("console/refusals-none", "/console/refusals?request_id=req_1", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/timeline": (
        Scene("console/member-timeline", "/console/members/{member}/timeline", "owner"),
        Scene("console/member-timeline-new", "/console/members/{new_member}/timeline", "owner", "empty"),
    ),
    "GET /console/finance": (
        Scene("console/finance", "/console/finance", "finance"),
        Scene("console/finance-composed", "/console/finance", "finance", act=compute),
        Scene("console/finance-at", "/console/finance?at=2017-09-30T23:59", "finance"),
        Scene("console/finance-at-wrong", "/console/finance?at=2099-01-01T00:00", "finance", "error"),
        Scene("console/finance-empty", "/console/finance", "owner", "empty"),
        Scene("console/finance-refused", "/console/finance", "marketer", "error"),
    ),
    "GET /console/finance/breakage": (
        Scene("console/finance-breakage", "/console/finance/breakage", "finance"),
        Scene("console/finance-breakage-empty", "/console/finance/breakage", "owner", "empty"),
    ),
    "GET /console/finance/months": (
        Scene("console/finance-months", "/console/finance/months", "finance"),
        Scene("console/finance-months-growth", "/console/finance/months?wallet=growth", "auditor"),
        Scene("console/finance-months-empty", "/console/finance/months", "owner", "empty"),
    ),
    "GET /console/finance/months/{month}": (
        Scene("console/finance-month", "/console/finance/months/2017-03", "finance"),
        Scene("console/finance-month-checked", "/console/finance/months/2017-03", "finance", act=check_month),
        Scene("console/finance-month-open", "/console/finance/months/2017-12", "finance"),
        Scene("console/finance-month-unknown", "/console/finance/months/1999-01", "finance", "error"),
    ),
    "GET /console/holds": (
        Scene("console/holds", "/console/holds", "care"),
        Scene("console/holds-empty", "/console/holds", "owner", "empty"),
        Scene("console/holds-refused", "/console/holds", "marketer", "error"),
    ),
    "GET /console/holds/{member_id}/{hold_id}": (
        Scene("console/hold-unknown", f"/console/holds/{NOBODY}/hld_01900000000070008000000000000000", "care", "error"),
    ),
    "GET /console/corrections": (
        Scene("console/corrections", "/console/corrections", "finance"),
        Scene("console/corrections-waiting", "/console/corrections?state=open", "finance"),
        Scene("console/corrections-empty", "/console/corrections", "owner", "empty"),
    ),
    "GET /console/corrections/{member_id}/{request_id}": (
        Scene(
            "console/correction-unknown",
            f"/console/corrections/{NOBODY}/adj_01900000000070008000000000000000",
            "finance",
            "error",
        ),
    ),
    "GET /console/members/{member_id}/lots": (
        Scene("console/member-lots", "/console/members/{member}/lots", "care"),
        Scene("console/member-lots-new", "/console/members/{new_member}/lots", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/lots/{lot_no}/extend": (
        Scene("console/lot-extend", "/console/members/{member}/lots", "care", act=first_lot),
        Scene("console/lot-unknown", "/console/members/{member}/lots/99999999/extend", "care", "error"),
    ),
    "GET /console/members/{member_id}/correct": (
        Scene("console/member-correct", "/console/members/{member}/correct", "care"),
        Scene(
            "console/member-correct-wrong",
            "/console/members/{member}/correct",
            "care",
            "error",
            act=send(amount="many", reason="why"),
        ),
    ),
    "GET /console/orders": (
        Scene("console/orders", "/console/orders", "owner"),
        Scene("console/orders-empty", "/console/orders", "owner", "empty"),
    ),
    "GET /console/orders/{order_id}": (
        Scene("console/order", "/console/orders/{order}", "owner"),
        Scene("console/order-returned", "/console/orders/{returned_order}", "owner"),
        Scene("console/order-unknown", "/console/orders/none", "owner", "error"),
    ),
    "GET /console/orders/{order_id}/return": (
        Scene("console/return", "/console/orders/{order}/return", "owner"),
        Scene(
            "console/return-refused", "/console/orders/{order}/return", "owner", "error", act=press("button[name=step]")
        ),
    ),
    "GET /console/bookings": (
        Scene("console/bookings", "/console/bookings?wallet=points", "owner"),
        Scene("console/bookings-empty", "/console/bookings", "owner", "empty"),
    ),
    "GET /console/returns": (
        Scene("console/returns", "/console/returns", "owner"),
        Scene("console/returns-empty", "/console/returns", "owner", "empty"),
    ),
    "GET /console/stores": (
        Scene("console/stores", "/console/stores", "owner"),
        Scene("console/stores-empty", "/console/stores", "owner", "empty"),
    ),
    "GET /console/stores/{store_id}": (
        Scene("console/store", "/console/stores/{store}", "owner"),
        Scene("console/store-empty", "/console/stores/{store}", "owner", "empty"),
    ),
    "GET /console/policies": (
        Scene("console/policies", "/console/policies", "owner"),
        Scene("console/policies-reader", "/console/policies?ended=1", "auditor"),
        Scene("console/policies-empty", "/console/policies", "owner", "empty"),
        Scene("console/policies-wrong", "/console/policies", "owner", "error", send(name=" ")),
    ),
    "GET /console/policies/drafts/{draft_id}": (
        Scene("console/policy-draft", "/console/policies/drafts/{draft}", "owner"),
        Scene("console/policy-draft-reader", "/console/policies/drafts/{draft}", "auditor"),
    ),
    "GET /console/policies/previews/{preview_id}": (
        Scene("console/policy-preview", "/console/policies/previews/{preview}", "owner"),
    ),
    "GET /console/policies/versions/{version}": (
        Scene("console/policy-version", "/console/policies/versions/1", "owner"),
    ),
    "GET /console/programme": (
        Scene("console/programme", "/console/programme", "owner"),
        Scene("console/programme-empty", "/console/programme", "owner", "empty"),
    ),
    "GET /console/messages": (
        Scene("console/messages", "/console/messages", "owner"),
        Scene("console/messages-empty", "/console/messages", "owner", "empty"),
    ),
    "GET /console/messages/templates": (Scene("console/templates", "/console/messages/templates", "owner"),),
    "GET /console/messages/templates/{kind}/{language}": (
        Scene("console/template", "/console/messages/templates/receipt/en", "owner"),
    ),
    "GET /console/messages/{message}": (Scene("console/message", "/console/messages/{message}", "owner"),),
    "GET /console/messages/{message}/mail": (Scene("console/mail", "/outbox/{mail}/mail", "owner"),),
    "GET /console/staff": (Scene("console/staff", "/console/staff", "owner"),),
    "GET /console/staff/roles": (Scene("console/roles", "/console/staff/roles", "owner"),),
    "GET /console/staff/{staff_id}": (Scene("console/staff-account", "/console/staff/{staff}", "owner"),),
    "GET /console/staff/invite": (
        Scene("console/invite", "/console/staff/invite", "owner"),
        Scene("console/invite-refused", "/console/staff/invite", "owner", "error", act=send(email="nonsense")),
    ),
    "GET /console/devices": (
        Scene("console/devices", "/console/devices", "owner"),
        Scene("console/devices-empty", "/console/devices", "owner", "empty"),
        Scene("console/devices-refused", "/console/devices", "owner", "error", act=send(name="")),
        Scene("console/device-code", "/console/devices", "owner", act=send(store_id="{store}", name="Till 2")),
    ),
    "GET /console/health": (
        Scene("console/health", "/console/health", "owner"),
        Scene("console/health-empty", "/console/health", "owner", "empty"),
        Scene("console/health-refused", "/console/health", "care", "error"),
    ),
    "GET /console/health/books": (
        Scene("console/books", "/console/health/books", "owner", act=send()),
        Scene("console/books-empty", "/console/health/books", "owner", "empty"),
    ),
    "GET /console/health/jobs": (Scene("console/jobs", "/console/health/jobs", "owner"),),
    "GET /console/health/parked": (Scene("console/parked", "/console/health/parked", "owner", "empty"),),
    "GET /console/health/parked/{handler}/{seq}": (
        Scene("console/parked-unknown", "/console/health/parked/nobody.listens/1", "owner", "error"),
    ),
    "GET /console/account": (Scene("console/account", "/console/account", "owner"),),
    "GET /console/account/password": (
        Scene("console/password", "/console/account/password", "owner"),
        Scene("console/password-refused", "/console/account/password", "owner", "error", act=send(password="short")),
    ),
    "GET /console/account/phone": (Scene("console/phone", "/console/account/phone", "owner"),),
    "GET /console/account/recovery-codes": (
        Scene("console/recovery-codes", "/console/account/recovery-codes", "owner"),
    ),
    "GET /console/sign-in": (
        Scene("console/sign-in", "/console/sign-in", "nobody"),
        Scene(
            "console/sign-in-refused",
            "/console/sign-in",
            "nobody",
            "error",
            act=send(email="nobody@demo.example", password="wrong"),
        ),
    ),
    "GET /console/sign-in/code": (Scene("console/sign-in-code", "/console/sign-in/code", "with-code"),),
    "GET /console/invitation/{token}": (
        Scene("console/invitation", "{invitation}", "nobody"),
        Scene("console/invitation-dead", "/console/invitation/" + "x" * 43, "nobody", "error"),
    ),
    "GET /console/invitation/{token}/phone": (Scene("console/invitation-phone", "{half_invitation}/phone", "nobody"),),
    "GET /outbox": (
        Scene("outbox/list", "/outbox", "nobody"),
        Scene("outbox/empty", "/outbox", "nobody", "empty"),
    ),
    "GET /outbox/{message}": (Scene("outbox/message", "/outbox/{mail}", "nobody"),),
    "GET /outbox/{message}/mail": (Scene("outbox/mail", "/outbox/{mail}/mail", "nobody"),),
    "GET /portal": (
        Scene("portal/card", "/portal", "member"),
        Scene("portal/card-new", "/portal", "new", "empty"),
        Scene("portal/unknown", "/portal/nowhere", "member", "error"),
    ),
    "GET /portal/points": (
        Scene("portal/points", "/portal/points", "member"),
        Scene("portal/points-new", "/portal/points", "new", "empty"),
    ),
    "GET /portal/statement": (
        Scene("portal/statement", "/portal/statement", "member"),
        Scene("portal/statement-new", "/portal/statement", "new", "empty"),
    ),
    "GET /portal/tier": (
        Scene("portal/tier", "/portal/tier", "member"),
        Scene("portal/tier-new", "/portal/tier", "new", "empty"),
    ),
    "GET /portal/orders": (
        Scene("portal/orders", "/portal/orders", "member"),
        Scene("portal/orders-new", "/portal/orders", "new", "empty"),
    ),
    "GET /portal/orders/{order_id}": (
        Scene("portal/order", "/portal/orders/{own_order}", "member"),
        Scene("portal/order-returned", "/portal/orders/{own_returned_order}", "member"),
        Scene("portal/order-unknown", "/portal/orders/none", "member", "error"),
    ),
    "GET /portal/claim": (
        Scene("portal/claim", "/portal/claim", "member"),
        Scene("portal/claim-refused", "/portal/claim", "member", "error", act=send(code="NOTHING")),
    ),
    "GET /portal/inbox": (
        Scene("portal/inbox", "/portal/inbox", "member"),
        Scene("portal/inbox-new", "/portal/inbox", "new", "empty"),
    ),
    "GET /portal/profile": (
        Scene("portal/profile", "/portal/profile", "member"),
        Scene("portal/profile-refused", "/portal/profile", "new", "error", act=send(display_name="x" * 200)),
    ),
    "GET /portal/consents": (
        Scene("portal/consents", "/portal/consents", "member"),
        Scene("portal/consents-new", "/portal/consents", "new", "empty"),
    ),
    "GET /portal/confirm-consent/{token}": (
        Scene("portal/confirm-consent-over", "/portal/confirm-consent/nothing", "nobody", "error"),
    ),
    "GET /portal/data": (
        Scene("portal/data", "/portal/data", "member"),
        Scene("portal/data-new", "/portal/data", "new", "empty"),
    ),
    "GET /portal/data/erasure": (
        Scene("portal/erasure", "/portal/data/erasure", "member"),
        Scene("portal/erasure-new", "/portal/data/erasure", "new", "empty"),
    ),
    "GET /portal/data/erasure/sure": (
        Scene("portal/erasure-sure", "/portal/data/erasure", "new", act=press("form[action$='/code'] button")),
    ),
    "GET /portal/goodbye": (Scene("portal/goodbye", "/portal/goodbye", "nobody"),),
    "GET /portal/devices": (Scene("portal/devices", "/portal/devices", "member"),),
    "GET /portal/sign-in": (
        Scene("portal/sign-in", "/portal/sign-in", "nobody"),
        Scene("portal/sign-in-refused", "/portal/sign-in", "nobody", "error", act=send(identity="12")),
    ),
    "GET /portal/sign-in/code": (Scene("portal/sign-in-code", "/portal/sign-in", "nobody", act=ask_for_code),),
    "GET /portal/sign-up": (Scene("portal/sign-up", "/portal/sign-in", "nobody", act=prove_address),),
    "GET /portal/confirm-address/{token}": (
        Scene("portal/confirm-address", "/portal/confirm-address/nothing", "nobody", "error"),
    ),
    "GET /stop/{token}": (Scene("portal/stop", "/stop/nothing", "nobody", "error"),),
    "GET /store": (
        Scene("store/scan", "/store", "device"),
        Scene("store/nobody-found", "/store", "device", "error", act=find("13900000000")),
    ),
    "GET /store/claim": (
        Scene("store/claim", "/store", "device", act=find("{email}", then=press("a[href^='/store/claim']"))),
    ),
    "GET /store/enrol": (
        Scene("store/enrol", "/store/enrol", "nobody"),
        Scene("store/enrol-refused", "/store/enrol", "nobody", "error", act=send(code="0000-0000")),
    ),
    "GET /store/till": (
        Scene("store/till-guest", "/store/till", "device", "empty"),
        Scene("store/till", "/store", "device", act=find("{email}", then=ring_up(*BASKET))),
        Scene("store/payment", "/store", "device", act=find("{email}", then=ring_up(*BASKET, to_payment=True))),
        Scene("store/till-refused", "/store/till", "device", "error", act=ring_up(("nothing", ""))),
    ),
    "GET /store/receipts/{order_id}": (Scene("store/receipt", "{receipt}", "device"),),
    "GET /store/register": (
        Scene("store/register", "/store/register", "device"),
        Scene("store/register-refused", "/store/register", "device", "error", act=send(value="12")),
    ),
    "GET /store/returns": (
        Scene("store/returns", "/store/returns", "device"),
        Scene("store/returns-unknown", "/store/returns", "device", "error", act=send(code="NOTHING")),
    ),
    "GET /store/returns/{ticket}": (
        Scene("store/return-lines", "{return_ticket}", "device"),
        Scene("store/return-review", "{return_ticket}", "device", act=press("[name=all]")),
    ),
    "GET /store/returns/{ticket}/done/{return_id}": (Scene("store/return-done", "{return_done}", "device"),),
}

GALLERY: Final = ("", "/charts", "/forms", "/listing", "/listing/cursor", "/listing/empty")
GALLERY_FACES: Final = ("/plain", "/portal", "/refused", "/store")
for gallery_page in (*GALLERY, *GALLERY_FACES):
    name = f"kit{gallery_page or '/pieces'}"
    SCENES[f"GET /kit{gallery_page}"] = (Scene(name, f"/kit{gallery_page}", "nobody"),)
