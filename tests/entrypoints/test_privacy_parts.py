"""What each room tells a member of theirs: nothing of a member's is left out without a reason, and it can be read."""

import re
from html import escape
from pathlib import Path

import msgspec
import pytest

from regulars.engagement.channels.sending.transport import DevelopmentOutbox
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.wiring import Place, opened
from regulars.members import api as members
from regulars.members.contracts.privacy import AskExport, Document
from regulars.members.contracts.refusals import MemberGone
from regulars.members.privacy import page
from regulars.members.privacy.errors import ExportNotReady
from regulars.members.privacy.exporting import KEPT, titles
from regulars.members.privacy.own import OWN
from regulars.members.privacy.words import COLUMNS, FOR_MACHINES
from regulars.platform.errors import NotFound
from regulars.platform.formats import formats_of
from regulars.platform.settings import Settings
from regulars.platform.texts import catalogue, say
from tests.architecture.distribution import BY_VALUE, MEMBER_OWNED
from tests.engagement.post_office import PostOffice, order
from tests.members.erasing import erase, texts_of_everything, where

pytestmark = pytest.mark.anyio

# Belong to nobody: a code on its way is for whoever asks, an answer is its caller's.
NOBODYS = {"access_codes", "idempotency_answers"}


def test_every_table_of_a_member_is_told_or_excused() -> None:
    told = [table for part in (OWN, *PARTS) for table in part.sections]
    excused = {table: why for part in (OWN, *PARTS) for table, why in part.excused.items()}

    assert sorted([*told, *excused]) == sorted((MEMBER_OWNED | set(BY_VALUE)) - NOBODYS)
    assert all(len(why) > 10 for why in excused.values())


def test_every_title_has_its_chinese() -> None:
    assert [title for title in titles(PARTS).values() if title not in catalogue("zh")] == []


async def test_an_export_tells_everything_is_sealed_and_ends(database_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, development=True, brand_name="Beichen")
    async with opened(settings, Place(database_url, database_url)) as services:
        database, vault = services.database, services.vault
        office = await PostOffice.open(database, vault)  # type: ignore[arg-type] # a LocalVault it is
        member_id = await office.member(name="<b>楚云深</b>")
        await office.apply(order(member_id))
        await office.write()
        await office.courier(DevelopmentOutbox()).drain()
        wish = AskExport(member_id=member_id, actor="test")
        async with database.transaction() as tx:
            asked = await members.ask_export(tx, wish)
        async with database.transaction() as tx:
            assert (await members.ask_export(tx, wish)).export_id == asked.export_id
            with pytest.raises(ExportNotReady):
                await members.open_export(tx, vault, member_id, asked.export_id)

        assert await members.gather_waiting(database, vault, PARTS) == 1
        assert await members.gather_waiting(database, vault, PARTS) == 0
        async with database.transaction() as tx:
            document = await members.open_export(tx, vault, member_id, asked.export_id)
            (listed,) = await members.list_exports(tx, member_id)
        assert listed.expires_at - listed.asked_at == KEPT
        read(document)
        assert where(await texts_of_everything(database), ["楚云深", "wang.fang"]) == []

        await office.rows("UPDATE member_exports SET expires_at = asked_at RETURNING 1")
        async with database.transaction() as tx:
            with pytest.raises(NotFound):
                await members.open_export(tx, vault, member_id, asked.export_id)
        assert await members.gather_waiting(database, vault, PARTS) == 0
        assert await office.rows("SELECT count(*) FROM member_exports") == [(0,)]

        async with database.transaction() as tx:
            last = await members.ask_export(tx, wish)
        assert await members.gather_waiting(database, vault, PARTS) == 1
        await erase(database, vault, member_id, PARTS)
        async with database.transaction() as tx:
            with pytest.raises(MemberGone):
                await members.open_export(tx, vault, member_id, last.export_id)


def read(document: Document) -> None:
    """Look at what was gathered, as JSON and as a page in both languages."""
    sections = document.sections
    assert set(sections) == set(titles(PARTS))
    assert sections["member_identities"][0]["value"] == "wang.fang@example.com"
    assert sections["member_profiles"][0]["display_name"] == "<b>楚云深</b>"
    assert [one["order_id"] for one in sections["orders"]] == ["1001"]
    assert {one["kind"] for one in sections["ledger_transfers"]} == {"earn"}
    assert {(one["kind"], one["channel"]) for one in sections["messages"]} == {
        ("receipt", "email"),
        ("receipt", "inbox"),
    }
    assert msgspec.json.decode(msgspec.json.encode(document), type=Document) == document
    lacking = [title for name, title in titles(PARTS).items() if not sections[name]]
    assert len(lacking) > 5
    for language, heading, nothing in (
        ("en", "Everything we know of you", "Nothing is kept about: "),
        ("zh", "我们掌握的关于您的全部信息", "以下内容没有任何记录："),
    ):
        shown = page.export_page(document, PARTS, formats_of(language, "Asia/Shanghai"))
        assert heading in shown
        assert "&lt;b&gt;楚云深&lt;/b&gt;" in shown
        assert re.findall(r"<script|<b>楚|https?://|src=", shown) == []
        assert [shown.count(escape(say(title, language))) for title in lacking] == [1] * len(lacking), nothing
        there = {name for name, rows in sections.items() if rows}
        assert (
            set(re.findall(r'<li><a href="#(\w+)">', shown)) == there == set(re.findall(r'<section id="(\w+)">', shown))
        )
        read_by_people(re.sub(r"<style>.*?</style>|<[^>]+>", " ", shown, flags=re.DOTALL), language, nothing)
    unnamed = {name for rows in sections.values() for row in rows for name in row} - COLUMNS.keys() - FOR_MACHINES
    assert sorted(unnamed) == [], "write these into members/privacy/words.py"


def read_by_people(text: str, language: str, nothing: str) -> None:
    """Look for what only machines read: instants to the microsecond, whole ids, JSON; and for what people do."""
    assert nothing in text
    assert re.findall(r"\d{4}-\d\d-\d\dT|\d\.\d{6}|\+00:00", text) == []
    assert re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{32}", text) == []
    assert re.findall(r'[{}]|": ', text) == []
    assert "…" in text, "ids are shortened"
    assert re.findall(r"\b(?:email|en|inbox|online|receipt|regular|sent|store)\b", text) == []
    assert [one in text for one in {"en": ("Chinese", "Regular"), "zh": ("中文", "普通")}[language]] == [True, True]
    assert {"en": "Earned by an order", "zh": "订单获得"}[language] in text
