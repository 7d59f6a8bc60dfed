"""Sentences in Chinese are spaced as Chinese is, whatever fills their places."""

import pytest
from markupsafe import Markup

from regulars.platform.texts import say, spaced
from regulars.web.kit.shapes import filled

TIER = "To {tier}"  # `距 {tier}`


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Gold", "距 Gold"),
        ("金卡", "距金卡"),
        ("“金卡”", "距“金卡”"),
        ("【金卡】", "距【金卡】"),
        ("Gold 会员", "距 Gold 会员"),
        ("", "距 "),
        (3, "距 3"),
    ],
)
def test_a_space_stands_between_chinese_and_latin_only(value: object, said: str) -> None:
    assert say(TIER, "zh", tier=value) == said
    assert say(TIER, "en", tier=value) == f"To {value}"


def test_each_side_of_a_place_is_looked_at() -> None:
    sentence = "自 {since} 起，{tier} 会员有 {count} 人，{tier} 不变"

    assert spaced(sentence, {"since": "2018年1月", "tier": "金卡", "count": "1,190"}).format(
        since="2018年1月", tier="金卡", count="1,190"
    ) == "自 2018年1月起，金卡会员有 1,190 人，金卡不变"  # fmt: skip


def test_markup_is_what_is_read_of_it() -> None:
    sentence = "距 {tier} 很近"
    values = {"tier": Markup('<a href="/tier"><b>金卡</b></a>')}

    assert filled(spaced(sentence, values), values) == '距<a href="/tier"><b>金卡</b></a>很近'
    assert spaced(sentence, {"tier": Markup("<b>Gold</b>")}) == sentence


def test_what_a_value_holds_stays_as_it_was_written() -> None:
    assert say(TIER, "zh", tier="北辰 春熙路店") == "距北辰 春熙路店"
    assert say(TIER, "zh", tier="{tier} 级") == "距 {tier} 级"
