"""What a scene is, and what is done on a page before it is photographed."""

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
    page.locator("#check:not(:has([aria-live][hx-get])) [data-checked]").wait_for(timeout=120_000)


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


def reveal(page: Page, facts: Facts) -> None:
    """Look at personal data with a purpose; who looks already keeps looking."""
    if page.locator("form[action$='/hide']").count() == 0:
        page.locator("[data-opens=reveal]").first.click()
        send(purpose="A question by telephone")(page, facts)


def give(amount: str, *, then: Act | None = None) -> Act:
    """Choose to give points to a friend, then go on."""

    def act(page: Page, facts: Facts) -> None:
        send(who="{friend_email}", amount=amount)(page, facts)
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


def mistype(page: Page, _: Facts) -> None:
    """Confirm what cannot be undone with another word than the one asked for."""
    page.locator("#field-confirmation").fill("yes")
    with page.expect_navigation():
        page.locator("main button.btn-error").click()


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
