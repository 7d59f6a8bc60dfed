"""Letters: every kind in both languages, escaped, with nothing loaded from elsewhere."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regulars.engagement import api
from regulars.engagement.channels.layout import brand_of, readable_on, render_mail
from regulars.engagement.channels.letters import Content, letter_of, short_text
from regulars.engagement.channels.rules import emails_of, mask_address, pause_after, says_nobody_there
from regulars.engagement.channels.wording import Wording, language_of
from regulars.engagement.contracts import CodeFacts, MessageChannel, MessageKind, ReturnFacts
from regulars.members.contracts import IdentityKind, IdentityShown
from regulars.platform.ids import new_id
from regulars.platform.settings import Settings

BRAND = brand_of(Settings(brand_name="A <b>&</b> Co", public_url="https://club.example", brand_color="#ffcc00"))
CJK = re.compile("[\u4e00-\u9fff]")


def every() -> Iterator[tuple[MessageKind, str]]:
    for kind in MessageKind:
        yield from ((kind, "en"), (kind, "zh"))


@pytest.mark.parametrize(("kind", "language"), list(every()))
def test_every_kind_is_whole_in_both_languages(kind: MessageKind, language: str) -> None:
    letter, mail, short = api.preview(kind, language, BRAND)

    said = " ".join([letter.subject, letter.heading, *letter.lead, letter.why, *[row.label for row in letter.rows]])
    assert bool(CJK.search(said)) is (language == "zh")
    assert "{" not in said + short
    assert f'lang="{language}"' in mail.html
    assert "A &lt;b&gt;&amp;&lt;/b&gt; Co" in mail.html
    assert "<b>" not in mail.html
    assert not re.search(r"\{\{|\{%|\{#", mail.html)
    for row in letter.rows:
        assert f"{row.label}: {row.value}" in mail.text
        assert row.value in mail.html.replace("&#39;", "'")
    assert "A <b>&</b> Co" in mail.text
    assert len(mail.html) < 20_000  # Gmail cuts at 102 KB


@pytest.mark.parametrize(("kind", "language"), list(every()))
def test_a_letter_loads_nothing(kind: MessageKind, language: str) -> None:
    _, mail, _ = api.preview(kind, language, BRAND)

    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+", mail.html)) - {"http://www.w3.org"}
    assert addresses <= {"https://club.example"}
    assert "<script" not in mail.html
    assert "@import" not in mail.html


def test_what_a_fact_says_cannot_break_a_letter() -> None:
    facts = ReturnFacts(
        order_id='"><script>alert(1)</script>{{ 7*7 }}',
        occurred_at=datetime(2026, 5, 1, tzinfo=UTC),
        store_name="</title><mj-text>",
        returned_minor=100,
        currency="JPY",
        points_given_back=0,
        points_clawed_back=0,
        to_debt=0,
    )
    letter = letter_of(Content(facts=facts, time_zone="Asia/Tokyo", country="JP"), "en", BRAND.sender)
    mail = render_mail(letter, BRAND, "en")

    assert "<script" not in mail.html
    assert "<mj-text" not in mail.html
    assert "{{ 7*7 }}" in mail.html
    assert letter.rows[0].value == "¥100"  # yen have no minor unit


def test_words_follow_the_language_and_the_market() -> None:
    at = datetime(2026, 3, 1, 16, tzinfo=UTC)
    said = {
        (language, country): (words.day(at), words.last_day(at), words.money(123_456, "USD"))
        for language, country in (("en", "US"), ("en", "GB"), ("en", "XX"), ("zh", "CN"))
        for words in [Wording(language, country, "Asia/Shanghai")]
    }

    assert said == {
        ("en", "US"): ("March 2, 2026", "March 1, 2026", "$1,234.56"),
        ("en", "GB"): ("2 March 2026", "1 March 2026", "US$1,234.56"),
        ("en", "XX"): ("March 2, 2026", "March 1, 2026", "$1,234.56"),
        ("zh", "CN"): ("2026年3月2日", "2026年3月1日", "US$1,234.56"),
    }
    assert [language_of(tag) for tag in ("zh-CN", "zh-Hant-TW", "EN", "fr-CA", "")] == ["zh", "zh", "en", "en", "en"]


def test_buttons_can_be_read_on_any_brand() -> None:
    assert [readable_on(color) for color in ("#ffffff", "#ffcc00", "#1f6f54", "#000000", "#767676")] == [
        "#1c1f1d", "#1c1f1d", "#ffffff", "#ffffff", "#ffffff",
    ]  # fmt: skip


def test_only_a_png_travels_with_a_letter(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg/>")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    logos = [brand_of(Settings(brand_logo=tmp_path / name)).logo for name in ("logo.svg", "logo.png", "missing.png")]

    assert logos == [None, b"\x89PNG\r\n\x1a\nrest", None]


def identity(
    value: str | None, *, verified: int | None = None, kind: IdentityKind = IdentityKind.EMAIL
) -> IdentityShown:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return IdentityShown(
        identity_id=new_id(), kind=kind, added_at=at, value=value,
        verified_at=None if verified is None else at.replace(day=verified),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("identities", "ordered"),
    [
        ([], []),
        ([identity("+8613800138000", kind=IdentityKind.PHONE)], []),
        ([identity(None)], []),
        ([identity("a@x"), identity("b@x")], ["a@x", "b@x"]),
        ([identity("a@x"), identity("b@x", verified=2), identity("c@x", verified=1)], ["b@x", "c@x", "a@x"]),
        ([identity("a@x", verified=1), identity("b@x"), identity("c@x", verified=3)], ["c@x", "a@x", "b@x"]),
    ],
)
def test_mail_goes_to_the_address_that_was_proved_last(identities: list[IdentityShown], ordered: list[str]) -> None:
    assert [one.value for one in emails_of(identities)] == ordered


@pytest.mark.parametrize(
    ("answer", "nobody"),
    [
        ("550 5.1.1 <a@x>: no such user", True),
        ("550-5.1.1 The email account that you tried to reach does not exist.", True),
        ("553 5.1.2 bad domain", True),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound", True),
        ("550 User unknown", True),
        ("550 No such user here", True),
        ("551 mailbox unavailable", True),
        ("550 5.7.1 blocked: user unknown to our list", False),
        ("550 5.2.2 mailbox full", False),
        ("550 5.1.8 bad sender's address", False),
        ("550 blocked by policy", False),
        ("554 message looks like spam", False),
        ("450 4.1.1 user unknown, for now", False),
    ],
)
def test_an_address_is_nobody_s_only_where_its_server_says_so(answer: str, nobody: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert says_nobody_there(answer) is nobody


def test_pauses_grow_and_addresses_are_masked() -> None:
    assert [pause_after(attempts).total_seconds() for attempts in (1, 2, 7, 8, 500)] == [30, 60, 1920, 3600, 3600]
    assert mask_address(MessageChannel.EMAIL, "wang@example.com") == "w***@example.com"
    assert mask_address(MessageChannel.SMS, "+8613800138000") == "+86****00"


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ("482913 is your code to be erased", "what is kept of you becomes unreadable for ever", "to sign in")),
        ("zh", ("注销验证码：482913", "个人信息将永久无法读取", "登录。")),
    ],
)
def test_the_code_before_an_erasure_says_what_it_means(language: str, says: tuple[str, str, str]) -> None:
    content = Content(
        facts=CodeFacts(code="482913", valid_minutes=10, erases=True), time_zone="Asia/Shanghai", country="CN"
    )
    letter, short = letter_of(content, language, BRAND.sender), short_text(content, language, BRAND.sender)
    subject, means, not_said = says

    assert subject in letter.subject
    assert means in " ".join(letter.lead)
    assert not_said not in " ".join([*letter.lead, letter.why])
    assert letter.code == "482913"
    assert "482913" in short
    assert {"en": "it cannot be undone", "zh": "无法恢复"}[language] in short
