"""Where what happened, and who did what, is read for exports."""

from typing import Final, LiteralString

from regulars.platform.exports.contracts import Cell, Column, ExportKind, Key
from regulars.platform.public_events.catalogue import BY_CLASS_NAME, EVENT_PREFIX, MEMBER_PREFIX
from regulars.platform.public_events.telling import data_in
from regulars.platform.texts import mark


def _type(class_name: str) -> str:
    return BY_CLASS_NAME[class_name].name


def _data(found: list[str]) -> Cell:
    return data_in(*found)


_TOLD: Final[LiteralString] = ", ".join([f"'{name}'" for name in BY_CLASS_NAME])

EVENTS: Final = ExportKind(
    name="events",
    about=mark("What happened, as the events feed and webhooks tell it."),
    scope="events:read",
    table="outbox",
    key=(Key("seq", "bigint"),),
    at="t.recorded_at",
    only=f"t.type IN ({_TOLD})",
    columns={
        "event_id": Column(
            mark("The event's id, the same in the feed and in webhooks."), "t.event_id", prefix=EVENT_PREFIX
        ),
        "type": Column(mark("What happened, as `order.paid`."), "t.type", told=_type),
        "member_id": Column(
            mark("To which member, by id; empty where it is about none."), "t.member_id", prefix=MEMBER_PREFIX
        ),
        "recorded_at": Column(mark("When the programme recorded it."), "t.recorded_at", "instant"),
        "data": Column(mark("What is told of it."), "json_build_array(t.type, t.payload)", "json", told=_data),
    },
)

AUDIT: Final = ExportKind(
    name="audit",
    about=mark("Who did what, to whom, and why."),
    scope="audit:read",
    table="audit_entries",
    key=(Key("entry_id", "bigint"),),
    at="t.written_at",
    columns={
        "entry_id": Column(mark("The entry's number."), "t.entry_id", "whole"),
        "written_at": Column(mark("When it was done, by the wall clock."), "t.written_at", "instant"),
        "actor": Column(mark("Who did it: staff, a key, a member or a job."), "t.actor"),
        "action": Column(mark("What was done, as `put_order`."), "t.action"),
        "subject": Column(mark("To whom or what."), "t.subject"),
        "reason": Column(mark("Why, in the words of whoever did it."), "t.reason"),
        "request_id": Column(mark("The request or job that did it."), "t.request_id"),
        "detail": Column(mark("What else belongs to it."), "t.detail"),
    },
)
