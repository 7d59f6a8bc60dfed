"""The example of docs/webhooks.md accepts what is delivered, and nothing else."""

import base64
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from regulars.platform.webhooks.contracts import Told
from regulars.platform.webhooks.signing import draw, shown, sign
from regulars.platform.webhooks.telling import body_of, message_id_of
from tests.architecture.source import ROOT


def example() -> Callable[[str, dict[str, str], bytes, float], None]:
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(def verify\(.*?)```", page, re.DOTALL)
    names: dict[str, object] = {"base64": base64, "hmac": hmac}
    exec(compile(code, "docs/webhooks.md", "exec"), names)  # noqa: S102 - our own page
    return names["verify"]  # type: ignore[return-value] # as the page says


def test_the_example_tells_ours_from_others() -> None:
    verify = example()
    now, secret, older = 1_777_600_000.0, draw(), draw()
    told = Told(UUID(int=7), "tier.lost", UUID(int=1), datetime(2026, 5, 1, tzinfo=UTC), '{"tier": "银"}')
    body, message_id = body_of(told, "urn:test"), message_id_of(told)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": sign([older, secret], message_id, int(now), body),
    }

    verify(shown(secret), headers, body, now)
    verify(shown(older), headers, body, now)
    others = [
        (shown(draw()), headers, body, now),
        (shown(secret), headers, body + b" ", now),
        (shown(secret), headers | {"webhook-id": "evt_1"}, body, now),
        (shown(secret), headers, body, now + 301),
    ]
    for other in others:
        with pytest.raises(ValueError, match="not from Regulars"):
            verify(*other)
