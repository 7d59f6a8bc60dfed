"""Where what happened, and who did what, is read for exports."""

from typing import Final, LiteralString

from regulars.platform.exports.contracts import Cell, Column, ExportKind, Key
from regulars.platform.public_events.catalogue import BY_CLASS_NAME, EVENT_PREFIX, MEMBER_PREFIX
from regulars.platform.public_events.telling import data_in


def _type(class_name: str) -> str:
    return BY_CLASS_NAME[class_name].name


def _data(found: list[str]) -> Cell:
    return data_in(*found)


_TOLD: Final[LiteralString] = ", ".join([f"'{name}'" for name in BY_CLASS_NAME])

EVENTS: Final = ExportKind(
    name="events",
    about="What happened, as the events feed and webhooks tell it.",
    scope="events:read",
    table="outbox",
    key=(Key("seq", "bigint"),),
    at="t.recorded_at",
    only=f"t.type IN ({_TOLD})",
    columns={
        "event_id": Column("The event; the same id in the feed and in webhooks.", "t.event_id", prefix=EVENT_PREFIX),
        "type": Column("What happened.", "t.type", told=_type),
        "member_id": Column("To whom; nothing where it is about no member.", "t.member_id", prefix=MEMBER_PREFIX),
        "recorded_at": Column("When the programme learned of it.", "t.recorded_at", "instant"),
        "data": Column("What is told of it.", "json_build_array(t.type, t.payload)", "json", told=_data),
    },
)

AUDIT: Final = ExportKind(
    name="audit",
    about="Who did what, to whom, and why.",
    scope="audit:read",
    table="audit_entries",
    key=(Key("entry_id", "bigint"),),
    at="t.written_at",
    columns={
        "entry_id": Column("The entry's number.", "t.entry_id", "whole"),
        "written_at": Column("When, by the wall clock.", "t.written_at", "instant"),
        "actor": Column("Who.", "t.actor"),
        "action": Column("What.", "t.action"),
        "subject": Column("To whom or what.", "t.subject"),
        "reason": Column("Why, as it was given.", "t.reason"),
        "request_id": Column("By which request or job.", "t.request_id"),
        "detail": Column("What belongs to it.", "t.detail"),
    },
)
