"""The access matrix: who may use which address. A new address without an entry fails the test beside it.
Entries stand with whom they are about: `access_of_visitors.py`, `access_of_staff.py`, `access_of_keys.py`.

Rules: `anybody`; `staff` and the permissions needed (all of them); `device` likewise; `member`; `key` and a scope. What
somebody sees of an address they may use (their own, their stores') is tested where it is decided.
"""

from typing import Final

from regulars.platform.ids import new_id
from tests.web.access_of_keys import ACCESS_OF_KEYS
from tests.web.access_of_staff import ACCESS_OF_STAFF
from tests.web.access_of_visitors import ACCESS_OF_VISITORS

# Changes that no cookie makes: mail programs send the one (RFC 8058), programs with their own key the other.
FROM_ANYWHERE: Final = frozenset({"POST /stop/{token}", "POST /oauth/token"})

ACCESS: Final[dict[str, tuple[str, ...]]] = {**ACCESS_OF_VISITORS, **ACCESS_OF_STAFF, **ACCESS_OF_KEYS}


def ids_of_nobody() -> dict[str, str]:
    """Return what stands in addresses: well formed, and nobody's."""
    nobody = new_id().hex
    return {
        "token": "x" * 43,
        "staff_id": f"stf_{nobody}",
        "device_id": f"dev_{nobody}",
        "session_id": f"sts_{nobody}",
        "member_id": f"mbr_{nobody}",
        "identity_id": f"idn_{nobody}",
        "export_id": f"exp_{nobody}",
        "consent_id": f"cns_{nobody}",
        "form": "json",
        "message": f"msg_{nobody}",
        "hold_id": f"hld_{nobody}",
        "request_id": f"adj_{nobody}",
        "merge_id": f"mrg_{nobody}",
        "group": "orders",
        "household_id": f"hhd_{nobody}",
        "proposal_id": f"mpr_{nobody}",
        "job_id": f"job_{nobody}",
        "import_id": f"job_{nobody}",
        "file_id": f"job_{nobody}",
        "part_no": "1",
        "entry_id": "9" * 18,
        "draft_id": f"pdr_{nobody}",
        "key_id": f"ak_{nobody}",
        "webhook_id": f"whe_{nobody}",
        "delivery_id": f"whd_{nobody}",
        "preview_id": f"rep_{nobody}",
        "version": "9",
        "report_id": f"rep_{nobody}",
        "month": "2026-05",
        "lot_no": "1",
        "order_id": "o-1",
        "return_id": "R-1",
        "ticket": "x" * 60,
        "wallet": "points",
        "lot_id": f"trf_{nobody}000000000001",
        "given_id": f"ptr_{nobody}",
        "wish": "x" * 60,
        "transfer_id": f"trf_{nobody}000000000001",
        "store_id": "s-1",
        "name": "nothing",
        "tone": "info",
        "kind": "code",
        "language": "en",
        "path": "nothing",
        "handler": "nobody.listens",
        "seq": "1",
    }
