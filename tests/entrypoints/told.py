"""A walk through the API as it is told: docs/walkthrough.md, and the worked examples of /openapi.json."""

import msgspec

from tests.entrypoints.walking import CLEAR, Step, Walking


def examples(walk: Walking) -> bytes:
    """Return the request and the answer of each operation, as the description of the API takes them."""
    told = {step.operation: {"request": step.body, "status": step.status, "answer": step.answer} for step in walk.steps}
    return msgspec.json.format(msgspec.json.encode(told, order="deterministic"), indent=1) + b"\n"


HEAD = """\
# The API, walked through

A day at Beichen's (the programme of [examples/programme.toml](examples/programme.toml)), every operation once. What
stands here was answered: a test walks the same way each time and compares (`make docs` writes this page). Ids and
instants of the wall clock are replaced by the same ones each time. [api.md](api.md) says what all requests have in
common.

```sh
R=http://127.0.0.1:8790; A="Authorization: Bearer rgl_…"
```
"""


def page(walk: Walking) -> str:
    """Return docs/walkthrough.md."""
    parts = [HEAD]
    for number, step in enumerate(walk.steps, 1):
        parts.append(f"## {number}. `{step.operation}`\n\n{step.told}\n")
        parts.append(f"```sh\n{_curl(number, step)}\n```\n")
        if isinstance(step.answer, str):
            parts.append(f"Answer {step.status}:\n\n```\n{step.answer.rstrip()}\n```\n")
            continue
        shown = msgspec.json.format(msgspec.json.encode(step.answer), indent=2).decode()
        parts.append(f"Answer {step.status}:\n\n```json\n{shown}\n```\n")
    return "\n".join(parts)


def _curl(number: int, step: Step) -> str:
    parts = ["curl -s" if step.method in {"GET", "POST"} else f"curl -s -X {step.method}", f'"$R{step.path}" -H "$A"']
    if step.language != "en":
        parts.append(f"-H 'Accept-Language: {step.language}'")
    if step.operation in CLEAR:
        parts.append("-H 'Regulars-Purpose: care ticket 5521'")
    if step.method != "GET" and step.operation != "lookUpMember":
        parts.append(f"-H 'Idempotency-Key: step-{number}'")
    command = " ".join(parts)
    if step.body is None:
        return command if step.method in {"GET", "DELETE"} else f"{command} -X POST"
    body = msgspec.json.encode(step.body).decode()
    return f"{command} \\\n  -H 'Content-Type: application/json' -d '{body}'"
