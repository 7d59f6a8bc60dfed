"""Callers who send a member's data where they do not belong: files without a first line, shifted columns, bad rows."""

import json
from uuid import uuid4

import httpx

from regulars.entrypoints.importing import job_kinds
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.services import Services

CONSTANTS = {"market": "CN", "channel": "store"}


def files_of(phone: str, email: str, name: str) -> list[tuple[str, str, str]]:
    """Return files of which nothing can be imported, with kind and format: what is the member's stands everywhere."""
    rows: list[dict[str, object]] = [
        {"phone": phone, name: email},
        {"phone": {"number": phone}},
        {"identities": [{"kind": email, "value": phone}]},
        {"identities": [{phone: email}]},
        {"market": phone, "card": name},
        {"language": email, "phone": phone},
        {"signed_up_at": phone, "email": email},
    ]
    return [
        ("members", "csv", f"{phone},{email}\n{phone},{email}\n"),
        ("members", "csv", f"phone,{email},{email}\n{phone},{name},1\n"),
        ("members", "csv", f"language,phone,signed_up_at\n{email},{phone},{name}\n"),
        ("members", "jsonl", "\n".join([json.dumps(row) for row in rows])),
        ("accruals", "csv", f"phone,amount,reason\n{email},{phone[1:]},gift\n{phone},{email},gift\n"),
        ("orders", "csv", f"order_id,phone,sku,quantity,occurred_at\n1,{phone},tea,{email},{name}\n"),
    ]


async def import_carelessly(services: Services, client: httpx.AsyncClient, phone: str, email: str, name: str) -> None:
    """Import such files, and send as much in batches; all of it is refused, and told to whoever sent it."""
    kinds = job_kinds(services.settings, services.vault, services.database)
    for kind, form, content in files_of(phone, email, name):
        mapping = {"constants": CONSTANTS if kind == "members" else {}}
        wish = {"kind": kind, "format": form, "content": content, "mapping": mapping}
        job = (await client.post("/v1/imports", json=wish, headers={"Idempotency-Key": uuid4().hex})).json()
        step: int | None = 0
        while step is not None:
            async with services.database.transaction(set_based=True) as tx:
                step = await do_step(tx, kinds, job_id_in(job["job_id"]))
        ended = (await client.get(f"/v1/jobs/{job['job_id']}")).json()
        assert ended["state"] == "failed" or ended["counts"]["refused"] == ended["counts"]["rows"] > 0, ended
        assert (await client.get(f"/v1/imports/{job['job_id']}/errors")).status_code == 200
    identities = [
        [{"kind": "phone", "value": phone}], [{"kind": "email", "value": phone}], [{"kind": "phone", "value": name}],
    ]  # fmt: skip
    rows = [{**CONSTANTS, "reference": f"r{at}", "identities": one} for at, one in enumerate(identities)]
    body = {"members": rows}
    batch = await client.post("/v1/members/batch", json=body, headers={"Idempotency-Key": uuid4().hex})
    assert (batch.status_code, batch.json()["refused"]) == (200, 3), batch.text
