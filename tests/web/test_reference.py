"""The reference of the API: every operation, its fields and examples, as pages that fetch nothing from elsewhere."""

import re

import httpx
import pytest

from regulars.web.kit.reference import reference_of

pytestmark = pytest.mark.anyio


async def test_every_operation_is_on_the_page_of_its_group(browser: httpx.AsyncClient) -> None:
    described = (await browser.get("/openapi.json")).json()
    overview = await browser.get("/docs/api")
    operations = {
        (operation["tags"][0], operation["operationId"], path)
        for path, methods in described["paths"].items()
        for operation in methods.values()
    }

    pages = {group: (await browser.get(f"/docs/api/{group}")).text for group, _, _ in operations}
    for group, name, path in operations:
        assert f'href="/docs/api/{group}#{name}"' in overview.text, name
        assert f'<article id="{name}"' in pages[group], name
        assert path in pages[group], name
    for page in (overview.text, *pages.values()):
        assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
        assert len(re.findall(r"<h1", page)) == 1
    assert (await browser.get("/docs/api/nothing")).status_code == 404


async def test_fields_stand_with_what_they_take(browser: httpx.AsyncClient) -> None:
    found = reference_of((await browser.get("/openapi.json")).json())
    put = next(one for one in found.groups["orders"] if one.name == "putOrder")
    fields = {field.name: field for field in put.body}

    assert (put.method, put.path, put.scopes) == ("PUT", "/v1/orders/{order_id}", ["orders:write"])
    assert fields["state"].is_required
    assert fields["state"].kind == "open · placed · paid · fulfilled · cancelled"
    assert fields["lines"].kind == "list of object, at most 1000"
    assert fields["lines.amount.amount_minor"].kind == "integer, ≥ 0, ≤ 1000000000000"
    assert (fields["member_id"].is_required, fields["member_id"].kind) == (False, "string or null")
    assert fields["member_id"].told == "The member who buys; left out for an order without a member."
    assert '"sku": "kettle"' in put.example
    assert [answer.status for answer in put.answers] == ["200", "201"]
    assert "404" in [refusal.status for refusal in put.refusals]
    key = next(one for one in put.parameters if one.name == "Idempotency-Key")
    assert (key.place, key.kind) == ("header", "string, at least 1 characters, at most 255 characters")
