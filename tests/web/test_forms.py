"""Forms say at each field what is wrong with it, in the viewer's language, and forget nothing that was typed."""

import re

import httpx
import pytest

pytestmark = pytest.mark.anyio

RIGHT = {
    "name": "Mei",
    "phone": "+86 138 0013 8000",
    "tier": "gold",
    "consent": "true",
    "channels": ["sms", "email"],
    "greeting": "none",
}


async def sent(browser: httpx.AsyncClient, **changes: object) -> httpx.Response:
    return await browser.post("/kit/forms", data={**RIGHT, **changes})


def problems(text: str) -> dict[str, str]:
    found = re.findall(r'<p id="field-(\w+)-problem"[^>]*>(?:<svg.*?</svg>)?([^<]*)</p>', text)
    assert all(f'aria-describedby="field-{name}' in text for name, _ in found)
    return {name: said.strip() for name, said in found}


async def test_what_is_right_is_taken_and_said_once(browser: httpx.AsyncClient) -> None:
    answer = await sent(browser)
    then = await browser.get(answer.headers["location"])
    again = await browser.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "Mei is registered." in then.text
    assert "Mei is registered." not in again.text


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"name": " "}, {"name": "Please fill this in."}),
        ({"name": "M"}, {"name": "This is too short: 2 characters are the least."}),
        ({"name": "M" * 41}, {"name": "This is too long: 40 characters are the most."}),
        ({"phone": "call me"}, {"phone": "Please check this: it is not in the form that is needed."}),
        ({"points": "ten"}, {"points": "Please write a whole number, in digits."}),
        ({"points": "10001"}, {"points": "This is too large: 10000 is the most."}),
        ({"points": "-1"}, {"points": "This is too small: 0 is the least."}),
        ({"born_on": "1.5.1990"}, {"born_on": "Please write a date, as in 2026-05-01."}),
        ({"name": "", "tier": ""}, {"name": "Please fill this in.", "tier": "Please fill this in."}),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    browser: httpx.AsyncClient, changes: dict[str, str], found: dict[str, str]
) -> None:
    answer = await sent(browser, **changes)

    assert answer.status_code == 422
    assert problems(answer.text) == found


async def test_what_was_typed_stays(browser: httpx.AsyncClient) -> None:
    text = (await sent(browser, phone="", note='<b>"quoted"</b>')).text

    assert 'value="Mei"' in text
    assert "&lt;b&gt;&#34;quoted&#34;&lt;/b&gt;" in text
    assert '<option value="gold" selected>' in text
    assert text.count(" checked>") == 4  # both channels, the greeting, the consent


async def test_a_refusal_stands_at_the_field_it_points_to_or_above(browser: httpx.AsyncClient) -> None:
    taken = await sent(browser, name="陈思远")
    without = await browser.post("/kit/forms", data={**RIGHT, "consent": ""}, headers={"Accept-Language": "zh"})

    assert (taken.status_code, problems(taken.text)) == (
        409,
        {"name": "Somebody is registered under the name 陈思远 already. Choose another."},
    )
    assert without.status_code == 409
    assert problems(without.text) == {}
    assert "同一时刻有其他内容被更改" in without.text.partition('role="alert"')[2]


async def test_a_notice_that_is_not_ours_is_not_shown(browser: httpx.AsyncClient) -> None:
    answer = await sent(browser)
    sealed = re.search(r"rgl_notice=([^;]+)", answer.headers["set-cookie"])
    assert sealed
    forged = sealed[1].strip('"')[:-8] + "AAAAAAA="

    for value in (forged, "nonsense", "AAAA", ""):
        shown = await browser.get("/kit/forms", headers={"Cookie": f"rgl_notice={value}"})
        assert shown.status_code == 200
        assert "is registered" not in shown.text
