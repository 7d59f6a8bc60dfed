"""Door, outbox, portal and store screen as they are photographed: for each address the scenes in which it is seen."""

from typing import Final

from tests.photos.acts import BASKET, Scene, ask_for_code, find, give, mistype, press, prove_address, ring_up, send
from tests.photos.deeds import LARGEST

FACES: Final[dict[str, tuple[Scene, ...]]] = {
    "GET /": (Scene("door/demo", "/", "nobody"), Scene("door/door", "/", "nobody", "empty")),
    "GET /docs/api": (Scene("reference/all", "/docs/api", "nobody"),),
    "GET /docs/api/{group}": (
        Scene("reference/orders", "/docs/api/orders", "nobody"),
        Scene("reference/unknown", "/docs/api/nothing", "nobody", "error"),
    ),
    "GET /outbox": (
        Scene("outbox/list", "/outbox", "nobody"),
        Scene("outbox/empty", "/outbox", "nobody", "empty"),
    ),
    "GET /outbox/{message}": (Scene("outbox/message", "/outbox/{mail}", "nobody"),),
    "GET /outbox/{message}/mail": (Scene("outbox/mail", "/outbox/{mail}/mail", "nobody"),),
    "GET /portal": (
        Scene("portal/card", "/portal", "member"),
        Scene("portal/card-new", "/portal", "new", "empty"),
        Scene("portal/unknown", "/portal/nowhere", "member", "error"),
    ),
    "GET /portal/points": (
        Scene("portal/points", "/portal/points", "member"),
        Scene("portal/points-new", "/portal/points", "new", "empty"),
    ),
    "GET /portal/statement": (
        Scene("portal/statement", "/portal/statement", "member"),
        Scene("portal/statement-new", "/portal/statement", "new", "empty"),
    ),
    "GET /portal/tier": (
        Scene("portal/tier", "/portal/tier", "member"),
        Scene("portal/tier-new", "/portal/tier", "new", "empty"),
    ),
    "GET /portal/orders": (
        Scene("portal/orders", "/portal/orders", "member"),
        Scene("portal/orders-new", "/portal/orders", "new", "empty"),
    ),
    "GET /portal/orders/{order_id}": (
        Scene("portal/order", "/portal/orders/{own_order}", "member"),
        Scene("portal/order-returned", "/portal/orders/{own_returned_order}", "member"),
        Scene("portal/order-unknown", "/portal/orders/none", "member", "error"),
    ),
    "GET /portal/claim": (
        Scene("portal/claim", "/portal/claim", "member"),
        Scene("portal/claim-refused", "/portal/claim", "member", "error", act=send(code="NOTHING")),
    ),
    "GET /portal/household": (
        Scene("portal/household", "/portal/household", "member"),
        Scene("portal/household-none", "/portal/household", "new", "empty"),
    ),
    "GET /portal/household/leave": (
        Scene("portal/household-leave", "/portal/household/leave", "member"),
        Scene("portal/household-leave-refused", "/portal/household/leave", "member", "error", act=mistype),
    ),
    "GET /portal/points/give": (
        Scene("portal/give", "/portal/points/give", "member"),
        Scene("portal/give-refused", "/portal/points/give", "member", "error", act=give(f"{LARGEST + 1}")),
        Scene("portal/give-not-allowed", "/portal/points/give", "new", "empty"),
    ),
    "GET /portal/points/give/review/{wish}": (
        Scene("portal/give-review", "/portal/points/give", "member", act=give("10")),
        Scene("portal/give-over", "/portal/points/give/review/over", "member", "error"),
    ),
    "GET /portal/points/given/{given_id}": (
        Scene("portal/give-done", "/portal/points/give", "member", act=give("10", then=send())),
        Scene("portal/give-unknown", f"/portal/points/given/ptr_{32 * '0'}", "member", "error"),
    ),
    "GET /portal/inbox": (
        Scene("portal/inbox", "/portal/inbox", "member"),
        Scene("portal/inbox-new", "/portal/inbox", "new", "empty"),
    ),
    "GET /portal/profile": (
        Scene("portal/profile", "/portal/profile", "member"),
        Scene("portal/profile-refused", "/portal/profile", "new", "error", act=send(display_name="x" * 200)),
    ),
    "GET /portal/consents": (
        Scene("portal/consents", "/portal/consents", "member"),
        Scene("portal/consents-history", "/portal/consents", "member", act=press("main details summary")),
        Scene("portal/consents-new", "/portal/consents", "new", "empty"),
    ),
    "GET /portal/confirm-consent/{token}": (
        Scene("portal/confirm-consent-over", "/portal/confirm-consent/nothing", "nobody", "error"),
    ),
    "GET /portal/data": (
        Scene("portal/data", "/portal/data", "member"),
        Scene("portal/data-gathering", "/portal/data", "new", act=press("form[action$='/exports'] button")),
        Scene("portal/data-new", "/portal/data", "new", "empty"),
    ),
    "GET /portal/data/erasure": (
        Scene("portal/erasure", "/portal/data/erasure", "member"),
        Scene("portal/erasure-new", "/portal/data/erasure", "new", "empty"),
    ),
    "GET /portal/data/erasure/sure": (
        Scene("portal/erasure-sure", "/portal/data/erasure", "new", act=press("form[action$='/code'] button")),
    ),
    "GET /portal/goodbye": (Scene("portal/goodbye", "/portal/goodbye", "nobody"),),
    "GET /portal/devices": (Scene("portal/devices", "/portal/devices", "member"),),
    "GET /portal/sign-in": (
        Scene("portal/sign-in", "/portal/sign-in", "nobody"),
        Scene("portal/sign-in-confirm", "/portal/sign-in?confirm=1", "member"),
        Scene("portal/sign-in-anew", "/portal/sign-in?anew=1", "member"),
        Scene("portal/sign-in-refused", "/portal/sign-in", "nobody", "error", act=send(identity="12")),
    ),
    "GET /portal/sign-in/code": (Scene("portal/sign-in-code", "/portal/sign-in", "nobody", act=ask_for_code),),
    "GET /portal/sign-up": (Scene("portal/sign-up", "/portal/sign-in", "nobody", act=prove_address),),
    "GET /portal/confirm-address/{token}": (
        Scene("portal/confirm-address", "/portal/confirm-address/nothing", "nobody", "error"),
    ),
    "GET /stop/{token}": (Scene("portal/stop", "/stop/nothing", "nobody", "error"),),
    "GET /store": (
        Scene("store/scan", "/store", "device"),
        Scene("store/nobody-found", "/store", "device", "error", act=find("13900000000")),
    ),
    "GET /store/claim": (
        Scene("store/claim", "/store", "device", act=find("{email}", then=press("a[href^='/store/claim']"))),
    ),
    "GET /store/enrol": (
        Scene("store/enrol", "/store/enrol", "nobody"),
        Scene("store/enrol-refused", "/store/enrol", "nobody", "error", act=send(code="0000-0000")),
    ),
    "GET /store/till": (
        Scene("store/till-guest", "/store/till", "device", "empty"),
        Scene("store/till", "/store", "device", act=find("{email}", then=ring_up(*BASKET))),
        Scene("store/payment", "/store", "device", act=find("{email}", then=ring_up(*BASKET, to_payment=True))),
        Scene("store/till-refused", "/store/till", "device", "error", act=ring_up(("nothing", ""))),
    ),
    "GET /store/receipts/{order_id}": (Scene("store/receipt", "{receipt}", "device"),),
    "GET /store/register": (
        Scene("store/register", "/store/register", "device"),
        Scene("store/register-refused", "/store/register", "device", "error", act=send(value="12")),
    ),
    "GET /store/returns": (
        Scene("store/returns", "/store/returns", "device"),
        Scene("store/returns-unknown", "/store/returns", "device", "error", act=send(code="NOTHING")),
    ),
    "GET /store/returns/{ticket}": (
        Scene("store/return-lines", "{return_ticket}", "device"),
        Scene("store/return-review", "{return_ticket}", "device", act=press("[name=all]")),
    ),
    "GET /store/returns/{ticket}/done/{return_id}": (Scene("store/return-done", "{return_done}", "device"),),
}
