"""One draft: written as a form, compared with what is in force, scheduled, agreed to, given up."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.web.console.account import who
from regulars.web.console.actors import names_of
from regulars.web.console.policy_forms import (
    REVIEWS,
    TIER_FIELDS,
    read_policy,
    rearranged,
    refused,
    sent_values,
    values_of,
)
from regulars.web.kit.forms import REQUIRED, Form, blank_form, form_values, read_form
from regulars.web.kit.kit import Kit
from regulars.web.kit.notices import Notice
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark

DRAFT: Final = "/console/policies/drafts/{draft_id:str}"
READ: Final = "programme:read"
WRITE: Final = "policies:write"
APPROVE: Final = "policies:approve"
NO_INSTANT: Final = mark("Please write date and time, as in 2026-05-01T09:00.")
AGAIN: Final = mark("Something is not right yet. Nothing was saved; what you wrote is still here.")

AnyRequest = Request[Any, Any, Any]


class Schedule(msgspec.Struct):
    """When a draft comes into force, and why."""

    at: str
    reason: Annotated[str, Meta(min_length=3, max_length=500)]
    revision: int
    based_on: int | None = None  # not sent by who did not say that they saw that it stands on a withdrawn version


class Seen(msgspec.Struct):
    """Which proposal the page showed to who answers it, and what they say."""

    revision: int
    active_from: Annotated[datetime, Meta(tz=True)]
    note: Annotated[str, Meta(max_length=500)] = ""


def draft_id_in(text: str) -> UUID:
    """Read the id of a draft. Raises NotFound."""
    found = parse_public_id(loyalty.DRAFT_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def draft_handlers(kit: Kit) -> list[Any]:
    """Return the pages of drafts."""
    return [*_writing(kit), *_deciding(kit)]


async def show_draft(
    kit: Kit,
    request: AnyRequest,
    draft_id: UUID,
    *,
    form: Form[Any] | None = None,
    schedule: Form[Any] | None = None,
    trouble: str = "",
    status: int = 200,
) -> Response[bytes]:
    """Answer with the page of a draft: its form as it stands, or as it was sent."""
    page = kit.page(request)
    async with kit.services.database.transaction() as tx:
        draft = await loyalty.read_draft(tx, draft_id)
        versions = await loyalty.list_policies(tx)
        named = versions[-1].version if versions else None
        changed = await loyalty.difference(tx, named, draft_id, page.language) if versions else []
        sheet = await loyalty.policy_sheet(tx, draft.policy, page.language)
        wallets = [one.code for one in await loyalty.list_wallets(tx)]
        names = await names_of(tx, [draft.proposed_by], page.language) if draft.state == "proposed" else {}
        preview = await loyalty.latest_preview(tx, draft_id=draft_id)
        now = tx.now
    filled = form or blank_form(page.language, name=draft.name, revision=draft.revision, **values_of(draft.policy))
    return kit.render(
        request,
        "console/policy_draft.html",
        page=page,
        status=status,
        draft=draft,
        proposer=names.get(draft.proposed_by, draft.proposed_by),
        public=public_id(loyalty.DRAFT_PREFIX, draft_id),
        form=filled,
        sections=_sections(page),
        tiers=_tier_rows(filled, [tier.code for tier in versions[-1].tier.tiers] if versions else []),
        reviews=[(kind, in_language(label, page.language)) for kind, label in REVIEWS],
        wallets=[(code, code) for code in wallets],
        changed=changed,
        before=named,
        sheet=sheet,
        schedule=schedule or blank_form(page.language, at="", reason="", revision=draft.revision),
        stands_on_withdrawn=draft.based_on_withdrawn_at is not None and draft.state in {"draft", "proposed"},
        second=bool(versions) and _in_force(versions, now).changes.second_person,
        zone=str(page.formats.zone),
        trouble=trouble,
        preview=preview,
        unsaved=form is not None,
        may_write=page.viewer.may(WRITE) and draft.state == "draft",
        may_end=page.viewer.may(WRITE) and draft.state in {"draft", "proposed"},
        may_approve=page.viewer.may(APPROVE) and draft.state == "proposed",
    )


def _in_force(versions: list[loyalty.Policy], now: datetime) -> loyalty.Policy:
    there = [one for one in versions if one.active_from is not None and one.active_from <= now]
    return there[-1] if there else versions[0]


def _sections(page: Page) -> list[tuple[str, str, bool, list[dict[str, Any]]]]:
    """Return each section with its fields: name, title, whether it may be absent, and its fields but for tiers."""
    language, found = page.language, []
    for section in loyalty.SECTIONS:
        fields = [
            {
                "path": leaf.path,
                "label": in_language(leaf.label, language),
                "unit": leaf.unit,
                "help": in_language(leaf.help, language) if leaf.help else "",
                "optional": bool(leaf.begins) and leaf.unit != "flag",
                "choices": [(value, in_language(label, language)) for value, label in leaf.choices],
            }
            for leaf in loyalty.LEAVES
            if leaf.section == section.name
        ]
        found.append((section.name, in_language(section.title, language), bool(section.begins), fields))
    return found


def _tier_rows(form: Form[Any], known: list[str]) -> list[dict[str, Any]]:
    """Return the tiers of a form from the highest: place, fields, and whether books stand on it."""
    count = int(str(form.values.get("tiers") or 0))
    rows = []
    for place in range(count):
        fields = {name: f"tier.tiers.{place}.{name}" for name in TIER_FIELDS}
        code = str(form.values.get(fields["code"], ""))
        rows.append({"place": place, "code": code, "kept": code in known, **fields})
    return rows[::-1]


def _writing(kit: Kit) -> list[Any]:
    @get(DRAFT, guards=[kit.guards.staff(READ)])
    async def draft(request: AnyRequest, draft_id: FromPath[str]) -> Response[bytes]:
        return await show_draft(kit, request, draft_id_in(draft_id))

    @post(DRAFT, guards=[kit.guards.staff(READ, WRITE)])
    async def save(request: AnyRequest, draft_id: FromPath[str]) -> Response[bytes]:
        found, language = draft_id_in(draft_id), kit.page(request).language
        values = sent_values(form_values(request))
        act = str(values.pop("act", "save"))
        if act != "save":
            return await show_draft(kit, request, found, form=Form(language, rearranged(values, act)))
        policy, problems = read_policy(values, language)
        name, revision = str(values.get("name", "")).strip()[:100], str(values.get("revision", ""))
        if not name:
            problems["name"] = in_language(REQUIRED, language)
        form: Form[Any] = Form(language, values, problems, in_language(AGAIN, language) if problems else "")
        if policy is None or problems or not revision.isdecimal():
            return await show_draft(kit, request, found, form=form, status=422)
        actor, database = who(request).actor, kit.services.database
        command = loyalty.ChangeDraft(draft_id=found, revision=int(revision[:9]), name=name, policy=policy, actor=actor)
        try:
            async with database.transaction(actor=actor) as tx:
                await loyalty.work_on_policy(tx, database.clock, command)
        except NotFound:
            raise
        except DomainError as error:
            return await show_draft(kit, request, found, form=refused(form, error), status=error.status)
        return kit.see(f"/console/policies/drafts/{draft_id}", Notice(mark("The draft is saved.")))

    return [draft, save]


Make = Callable[[str], loyalty.DraftCommand]  # of an actor


def _deciding(kit: Kit) -> list[Any]:
    return [_schedule(kit), _abandon(kit), *_answers(kit)]


async def _carry_out(
    kit: Kit, request: AnyRequest, draft_id: UUID, make: Make, *, said: str, form: Form[Any] | None = None
) -> Response[bytes]:
    """Carry out an act on a draft and show the draft again: with what was said, or with the refusal."""
    actor, database = who(request).actor, kit.services.database
    try:
        async with database.transaction(actor=actor) as tx:
            draft = await loyalty.work_on_policy(tx, database.clock, make(actor))
    except NotFound:
        raise
    except DomainError as error:
        if form is not None:
            return await show_draft(kit, request, draft_id, schedule=_of_schedule(form, error), status=error.status)
        trouble = refused(blank_form(kit.page(request).language), error).trouble
        return await show_draft(kit, request, draft_id, trouble=trouble, status=error.status)
    proposed = mark("It is proposed: somebody else must agree now.")
    notice = Notice(proposed if draft.state == "proposed" else said)
    return kit.see(f"/console/policies/drafts/{public_id(loyalty.DRAFT_PREFIX, draft_id)}", notice)


def _of_schedule(form: Form[Any], error: DomainError) -> Form[Any]:
    """Return the form of scheduling with a refusal; one about the instant stands at its field."""
    found = refused(form, error)
    if error.pointer == "/active_from":
        return Form(form.language, form.values, {"at": found.trouble})
    return found


def _schedule(kit: Kit) -> Any:  # noqa: ANN401 - a handler
    @post(f"{DRAFT}/schedule", guards=[kit.guards.staff(READ, WRITE)])
    async def schedule(request: AnyRequest, draft_id: FromPath[str]) -> Response[bytes]:
        found, page = draft_id_in(draft_id), kit.page(request)
        form = read_form(request, Schedule, page.language)
        at = None if form.value is None else instant_typed(form.value.at, page)
        if form.value is None or at is None:
            problems = dict(form.problems)
            if form.value is not None:
                problems["at"] = in_language(NO_INSTANT, page.language)
            wrong: Form[Any] = Form(form.language, form.values, problems)
            return await show_draft(kit, request, found, schedule=wrong, status=422)
        given = form.value
        said = mark("The draft is scheduled as a version. Until its time comes it can be withdrawn.")

        def make(actor: str) -> loyalty.DraftCommand:
            return loyalty.ScheduleDraft(
                draft_id=found,
                revision=given.revision,
                active_from=at,
                actor=actor,
                reason=given.reason,
                based_on=given.based_on,
            )

        return await _carry_out(kit, request, found, make, said=said, form=form)

    return schedule


def _abandon(kit: Kit) -> Any:  # noqa: ANN401 - a handler
    @post(f"{DRAFT}/abandon", guards=[kit.guards.staff(READ, WRITE)])
    async def abandon(request: AnyRequest, draft_id: FromPath[str]) -> Response[bytes]:
        found = draft_id_in(draft_id)
        said = mark("The draft is given up. It stays to be read, and a new one can begin from any version.")
        return await _carry_out(
            kit, request, found, lambda actor: loyalty.AbandonDraft(draft_id=found, actor=actor), said=said
        )

    return abandon


def _answers(kit: Kit) -> list[Any]:
    async def answer(request: AnyRequest, draft_id: str, said: str, *, agree: bool) -> Response[bytes]:
        found = draft_id_in(draft_id)
        language = kit.page(request).language
        form = read_form(request, Seen, language)
        seen = form.value
        if seen is None:
            return await show_draft(kit, request, found, trouble=in_language(AGAIN, language), status=422)

        def make(actor: str) -> loyalty.DraftCommand:
            return loyalty.AnswerDraft(
                draft_id=found,
                agree=agree,
                revision=seen.revision,
                active_from=seen.active_from,
                actor=actor,
                note=seen.note,
            )

        return await _carry_out(kit, request, found, make, said=said)

    @post(f"{DRAFT}/approve", guards=[kit.guards.staff(READ, APPROVE)])
    async def approve(request: AnyRequest, draft_id: FromPath[str]) -> Response[bytes]:
        return await answer(request, draft_id, mark("Agreed: it is scheduled as a version."), agree=True)

    @post(f"{DRAFT}/refuse", guards=[kit.guards.staff(READ, APPROVE)])
    async def refuse(request: AnyRequest, draft_id: FromPath[str]) -> Response[bytes]:
        return await answer(request, draft_id, mark("It is a draft again, with your note."), agree=False)

    return [approve, refuse]


def instant_typed(text: str, page: Page) -> datetime | None:
    """Read a date and time of the programme's zone; None for what is none."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=page.formats.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
