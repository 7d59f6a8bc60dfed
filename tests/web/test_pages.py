"""Pages answer in the viewer's language, safely, and only to their own site."""

import re

import httpx
import pytest

from regulars.web.kit.security import CONTENT_SECURITY_POLICY
from regulars.web.kit.viewers import local_path

pytestmark = pytest.mark.anyio

GALLERY = ["", "/forms", "/listing", "/listing/cursor", "/listing/empty", "/charts", "/portal", "/store", "/plain"]


@pytest.mark.parametrize("path", GALLERY)
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_every_page_of_the_gallery_answers(browser: httpx.AsyncClient, path: str, language: str) -> None:
    answer = await browser.get(f"/kit{path}", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in answer.text


async def test_pages_carry_the_headers_that_keep_them_safe(browser: httpx.AsyncClient) -> None:
    for path in ("/kit", "/kit/refused", "/kit/nowhere", "/kit/locked", "/manifest.webmanifest"):
        headers = (await browser.get(path)).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY, path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["referrer-policy"] == "same-origin", path


async def test_no_page_has_an_inline_style_or_script(browser: httpx.AsyncClient) -> None:
    for path in GALLERY:
        text = (await browser.get(f"/kit{path}")).text
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", text) == [], path


async def test_pages_are_nobody_elses_to_keep_and_travel_compressed(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/kit")
    plain = await browser.get("/kit", headers={"Accept-Encoding": "identity"})

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert answer.text == plain.text


# --- changes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://shop.example"}, 403),
        ({"Origin": "http://shop.example"}, 303),
        ({"Origin": "http://shop.example.evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://shop.example:8080"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_only_pages_of_this_site_change_anything(
    browser: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    del browser.headers["Sec-Fetch-Site"]
    answer = await browser.post("/preferences/theme", data={"theme": "dark"}, headers=headers)

    assert answer.status_code == status
    assert ("set-cookie" in answer.headers) is (status == 303)


@pytest.mark.parametrize(
    ("given", "followed"),
    [
        ("/portal/points?page=2", "/portal/points?page=2"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("/a\r\nSet-Cookie: stolen=1", "/"),
        (None, "/"),
    ],
)
async def test_a_way_back_stays_on_this_site(browser: httpx.AsyncClient, given: str | None, followed: str) -> None:
    assert local_path(given, "/") == followed
    sent = {"theme": "dark"} if given is None else {"theme": "dark", "next": given}
    assert (await browser.post("/preferences/theme", data=sent)).headers["location"] == followed


async def test_a_form_that_cannot_be_read_is_refused(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/preferences/theme", content=b"theme=%ff")

    assert answer.status_code == 400
    assert "The form could not be read." in answer.text


# --- language and theme ------------------------------------------------------------------------------------------


async def test_the_language_is_chosen_here_or_asked_for(browser: httpx.AsyncClient) -> None:
    assert "按钮" in (await browser.get("/kit", headers={"Accept-Language": "zh-CN,en;q=0.8"})).text

    chosen = await browser.post("/preferences/language", data={"language": "zh", "next": "/kit"})
    assert chosen.headers["location"] == "/kit"
    assert "HttpOnly" in chosen.headers["set-cookie"]
    assert "按钮" in (await browser.get("/kit")).text
    assert (await browser.post("/preferences/language", data={"language": "tlh"})).status_code == 404


async def test_the_theme_is_kept(browser: httpx.AsyncClient) -> None:
    assert "data-theme" not in (await browser.get("/kit/plain")).text
    await browser.post("/preferences/theme", data={"theme": "dark"})
    assert 'data-theme="dark"' in (await browser.get("/kit/plain")).text
    assert (await browser.post("/preferences/theme", data={"theme": "plaid"})).status_code == 404


# --- refusals ----------------------------------------------------------------------------------------------------


async def test_a_browser_sees_a_page_and_a_program_a_problem(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/kit/refused")
    assert (page.status_code, page.headers["content-type"]) == (409, "text/html; charset=utf-8")
    assert page.headers["x-request-id"] in page.text
    assert "Something has changed meanwhile" in page.text

    for path, accept in (("/kit/refused", "application/json"), ("/v1/nothing", "text/html")):
        program = await browser.get(path, headers={"Accept": accept})
        assert program.headers["content-type"] == "application/problem+json", path


async def test_there_is_a_page_for_what_is_not_there(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/console/nowhere", headers={"Accept-Language": "zh"})

    assert answer.status_code == 404
    assert "返回首页" in answer.text
    assert "未找到" in answer.text
    assert answer.headers["x-request-id"] not in answer.text  # there is nothing to report


async def test_a_bug_says_so_and_nothing_else(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/kit/broken")

    assert answer.status_code == 500
    assert "This is a fault in Regulars" in answer.text
    assert "gallery shows" not in answer.text


async def test_who_is_not_signed_in_is_sent_there_and_back(browser: httpx.AsyncClient) -> None:
    browser.cookies.set("rgl_staff", "no-such-session")
    sent = await browser.get("/kit/locked?tier=gold")
    part = await browser.get(
        "/kit/locked", headers={"HX-Request": "true", "HX-Current-URL": "http://shop.example/kit?a=1"}
    )

    assert (sent.status_code, sent.headers["location"]) == (303, "/console/sign-in?next=/kit/locked%3Ftier%3Dgold")
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/console/sign-in?next=/kit%3Fa%3D1")


async def test_pages_are_no_part_of_the_api(browser: httpx.AsyncClient) -> None:
    described = (await browser.get("/openapi.json")).json()

    assert [path for path in described["paths"] if not path.startswith(("/v1/", "/health", "/ready"))] == []
