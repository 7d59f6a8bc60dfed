"""Files that are exported by the API's own routes, and what was in them."""

import json
from typing import Any

import httpx

from regulars.platform.ids import new_id
from tests.entrypoints.importing import Site

WHY = {"Regulars-Purpose": "test of exports"}
Json = Any  # what JSON holds


async def asked(client: httpx.AsyncClient, kind: str, headers: dict[str, str] = WHY, **body: Json) -> httpx.Response:
    """Ask for an export."""
    return await client.post(
        "/v1/exports", json={"kind": kind, **body}, headers={"Idempotency-Key": new_id().hex, **headers}
    )


async def begun(client: httpx.AsyncClient, kind: str, **body: Json) -> str:
    """Begin an export; returns its id."""
    answer = await asked(client, kind, **body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


async def done(site: Site, client: httpx.AsyncClient, kind: str, **body: Json) -> str:
    """Begin an export and do all of it; returns its id."""
    export_id = await begun(client, kind, **body)
    while await site.step(export_id) is not None:
        pass
    return export_id


async def file_of(client: httpx.AsyncClient, export_id: str, **query: Json) -> httpx.Response:
    """Download a file."""
    answer = await client.get(f"/v1/exports/{export_id}/file", params=query, headers=WHY)
    assert answer.status_code == 200, answer.text
    return answer


def rows_in(answer: httpx.Response) -> list[dict[str, Json]]:
    """Return the rows of a file in JSON Lines."""
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert int(answer.headers["Regulars-Rows"]) == len(rows)
    return rows


async def exported(site: Site, client: httpx.AsyncClient, kind: str, **body: Json) -> list[dict[str, Json]]:
    """Export rows, and return them."""
    return rows_in(await file_of(client, await done(site, client, kind, **body)))
