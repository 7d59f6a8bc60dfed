"""The console as it is photographed: for each of its addresses the scenes in which it is seen."""

from typing import Final

from tests.photos.acts import ENDED, NOBODY, Scene, check_month, compute, first_lot, press, reveal, send
from tests.photos.deeds import CLOSED

CONSOLE: Final[dict[str, tuple[Scene, ...]]] = {
    "GET /console/welcome": tuple(
        Scene(f"console/welcome-{role}", "/console/welcome", role)
        for role in ("owner", "marketer", "community", "care", "finance", "store-manager", "assistant", "auditor")
    ),
    "GET /console": (
        Scene("console/overview", "/console", "owner"),
        Scene("console/overview-month", "/console?from=2017-06-01&to=2017-06-30", "owner"),
        Scene("console/overview-store-manager", "/console", "store-manager"),
        Scene("console/overview-empty", "/console", "owner", "empty"),
        Scene("console/palette", "/console", "owner", act=press("[data-opens=palette]")),
    ),
    "GET /console/members": (
        Scene("console/members", "/console/members", "owner"),
        Scene("console/members-nothing-matches", ENDED, "owner"),
        Scene("console/members-empty", "/console/members", "owner", "empty"),
        Scene("console/members-refused", "/console/members", "assistant", "error"),
    ),
    "GET /console/members/{member_id}": (
        Scene("console/member", "/console/members/{member}", "owner"),
        Scene("console/member-erased", "/console/members/{erased}", "owner"),
        Scene("console/member-seen", "/console/members/{member}", "owner", act=reveal),
        Scene("console/member-new", "/console/members/{new_member}", "owner", "empty"),
        Scene("console/member-unknown", "/console/members/mbr_01900000000070008000000000000000", "owner", "error"),
    ),
    "GET /console/members/{member_id}/points": (
        Scene("console/member-points", "/console/members/{member}/points", "owner"),
        Scene("console/member-points-new", "/console/members/{new_member}/points", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/orders": (
        Scene("console/member-orders", "/console/members/{member}/orders", "owner"),
        Scene("console/member-orders-new", "/console/members/{new_member}/orders", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/privacy": (
        Scene("console/member-privacy", "/console/members/{member}/privacy", "owner"),
        Scene("console/member-privacy-new", "/console/members/{new_member}/privacy", "owner", "empty"),
        Scene("console/member-erase", "/console/members/{member}/privacy", "owner", act=press("[data-opens=erase]")),
        Scene("console/member-privacy-erased", "/console/members/{erased}/privacy", "owner"),
        Scene("console/member-privacy-leaving", "/console/members/{leaving}/privacy", "owner"),
    ),
    "GET /console/privacy": (
        Scene("console/looks", "/console/privacy", "owner"),
        Scene("console/looks-empty", "/console/privacy", "owner", "empty"),
        Scene("console/looks-refused", "/console/privacy", "care", "error"),
    ),
    "GET /console/privacy/consents": (
        Scene("console/consents", "/console/privacy/consents", "owner"),
        Scene("console/consents-empty", "/console/privacy/consents", "owner", "empty"),
    ),
    "GET /console/privacy/erasures": (
        Scene("console/erasures", "/console/privacy/erasures", "owner"),
        Scene("console/erasures-empty", "/console/privacy/erasures", "owner", "empty"),
    ),
    "GET /console/privacy/exports": (
        Scene("console/exports", "/console/privacy/exports", "owner"),
        Scene("console/exports-empty", "/console/privacy/exports", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/why": (
        Scene("console/member-why", "/console/members/{member}/why", "owner"),
        Scene("console/member-why-new", "/console/members/{new_member}/why", "owner", "empty"),
    ),
    "GET /console/refusals": (
        Scene("console/refusals", "/console/refusals", "owner"),
        Scene("console/refusals-none", "/console/refusals?request_id=req_1", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/timeline": (
        Scene("console/member-timeline", "/console/members/{member}/timeline", "owner"),
        Scene("console/member-timeline-new", "/console/members/{new_member}/timeline", "owner", "empty"),
    ),
    "GET /console/finance": (
        Scene("console/finance", "/console/finance", "finance"),
        Scene("console/finance-composed", "/console/finance", "finance", act=compute),
        Scene("console/finance-at", "/console/finance?at=2017-09-30T23:59", "finance"),
        Scene("console/finance-at-wrong", "/console/finance?at=2099-01-01T00:00", "finance", "error"),
        Scene("console/finance-empty", "/console/finance", "owner", "empty"),
        Scene("console/finance-refused", "/console/finance", "marketer", "error"),
    ),
    "GET /console/finance/breakage": (
        Scene("console/finance-breakage", "/console/finance/breakage", "finance"),
        Scene("console/finance-breakage-empty", "/console/finance/breakage", "owner", "empty"),
    ),
    "GET /console/finance/months": (
        Scene("console/finance-months", "/console/finance/months", "finance"),
        Scene("console/finance-months-growth", "/console/finance/months?wallet=growth", "auditor"),
        Scene("console/finance-months-empty", "/console/finance/months", "owner", "empty"),
    ),
    "GET /console/finance/months/{month}": (
        Scene("console/finance-month", "/console/finance/months/2017-03", "finance"),
        Scene("console/finance-month-checked", "/console/finance/months/2017-03", "finance", act=check_month),
        Scene("console/finance-month-open", "/console/finance/months/2017-12", "finance"),
        Scene("console/finance-month-closed", f"/console/finance/months/{CLOSED}", "finance"),
        Scene(
            "console/finance-month-close", "/console/finance/months/2017-02", "finance", act=press("[data-opens=close]")
        ),
        Scene("console/finance-month-unknown", "/console/finance/months/1999-01", "finance", "error"),
    ),
    "GET /console/households": (
        Scene("console/households", "/console/households", "care"),
        Scene("console/households-empty", "/console/households", "owner", "empty"),
    ),
    "GET /console/households/{household_id}": (
        Scene("console/household", "{household}", "care"),
        Scene("console/household-seen", "{household}", "marketer"),
        Scene("console/household-unknown", "/console/households/hhd_01900000000070008000000000000000", "care", "error"),
    ),
    "GET /console/members/{member_id}/transfers": (
        Scene("console/member-transfers", "/console/members/{member}/transfers", "owner"),
        Scene("console/member-transfers-seen", "/console/members/{member}/transfers", "auditor"),
    ),
    "GET /console/members/{member_id}/transfers/{transfer_id}": (
        Scene("console/member-transfer-back", "/console/members/{member}/transfers/{transfer}", "owner"),
        Scene(
            "console/member-transfer-unknown",
            "/console/members/{member}/transfers/ptr_01900000000070008000000000000000",
            "owner",
            "error",
        ),
    ),
    "GET /console/holds": (
        Scene("console/holds", "/console/holds", "care"),
        Scene("console/holds-empty", "/console/holds", "owner", "empty"),
        Scene("console/holds-refused", "/console/holds", "marketer", "error"),
    ),
    "GET /console/holds/{member_id}/{hold_id}": (
        Scene("console/hold", "{hold}", "care"),
        Scene("console/hold-used", "{hold_used}", "care"),
        Scene("console/hold-let-go", "{hold_let_go}", "auditor"),
        Scene("console/hold-unknown", f"/console/holds/{NOBODY}/hld_01900000000070008000000000000000", "care", "error"),
    ),
    "GET /console/corrections": (
        Scene("console/corrections", "/console/corrections", "finance"),
        Scene("console/corrections-waiting", "/console/corrections?state=open", "finance"),
        Scene("console/corrections-empty", "/console/corrections", "owner", "empty"),
    ),
    "GET /console/corrections/{member_id}/{request_id}": (
        Scene("console/correction", "{correction}", "finance"),
        Scene("console/correction-own", "{correction}", "care"),
        Scene("console/correction-approved", "{correction_approved}", "finance"),
        Scene("console/correction-refused", "{correction_refused}", "care"),
        Scene("console/correction-of-day", "{correction_of_day}", "finance"),
        Scene(
            "console/correction-unknown",
            f"/console/corrections/{NOBODY}/adj_01900000000070008000000000000000",
            "finance",
            "error",
        ),
    ),
    "GET /console/members/{member_id}/lots": (
        Scene("console/member-lots", "/console/members/{member}/lots", "care"),
        Scene("console/member-lots-new", "/console/members/{new_member}/lots", "owner", "empty"),
    ),
    "GET /console/members/{member_id}/lots/{lot_no}/extend": (
        Scene("console/lot-extend", "/console/members/{member}/lots", "care", act=first_lot),
        Scene("console/lot-unknown", "/console/members/{member}/lots/99999999/extend", "care", "error"),
    ),
    "GET /console/proposals": (
        Scene("console/proposals", "/console/proposals", "care"),
        Scene("console/proposals-empty", "/console/proposals", "owner", "empty"),
    ),
    "GET /console/proposals/{proposal_id}": (
        Scene("console/proposal", "{proposal}", "care"),
        Scene("console/proposal-dismissed", "{proposal_dismissed}", "care"),
        Scene("console/proposal-unknown", "/console/proposals/mpr_01900000000070008000000000000000", "care", "error"),
    ),
    "GET /console/members/{member_id}/merges": (
        Scene("console/member-merges", "/console/members/{member}/merges", "care"),
        Scene("console/member-merges-parted", "/console/members/{parted}/merges", "care"),
    ),
    "GET /console/members/{member_id}/merge": (
        Scene("console/member-merge", "/console/members/{member}/merge?absorb={new_member}", "care"),
        Scene("console/member-merge-twins", "{twins}", "care"),
        Scene("console/member-merge-unknown", f"/console/members/{{member}}/merge?absorb={NOBODY}", "care", "error"),
    ),
    "GET /console/members/{member_id}/merges/{merge_id}/undo": (
        Scene("console/merge-undo", "/console/members/{survivor}/merges/{merge}/undo", "care"),
        Scene(
            "console/merge-unknown",
            "/console/members/{member}/merges/mrg_01900000000070008000000000000000/undo",
            "care",
            "error",
        ),
    ),
    "GET /console/members/{member_id}/correct": (
        Scene("console/member-correct", "/console/members/{member}/correct", "care"),
        Scene(
            "console/member-correct-wrong",
            "/console/members/{member}/correct",
            "care",
            "error",
            act=send(amount="12", reason="why"),
        ),
    ),
    "GET /console/orders": (
        Scene("console/orders", "/console/orders", "owner"),
        Scene("console/orders-empty", "/console/orders", "owner", "empty"),
    ),
    "GET /console/orders/{order_id}": (
        Scene("console/order", "/console/orders/{order}", "owner"),
        Scene("console/order-returned", "/console/orders/{returned_order}", "owner"),
        Scene("console/order-unknown", "/console/orders/none", "owner", "error"),
    ),
    "GET /console/orders/{order_id}/return": (
        Scene("console/return", "/console/orders/{order}/return", "owner"),
        Scene(
            "console/return-refused", "/console/orders/{order}/return", "owner", "error", act=press("button[name=step]")
        ),
    ),
    "GET /console/bookings": (
        Scene("console/bookings", "/console/bookings?wallet=points", "owner"),
        Scene("console/bookings-empty", "/console/bookings", "owner", "empty"),
    ),
    "GET /console/returns": (
        Scene("console/returns", "/console/returns", "owner"),
        Scene("console/returns-empty", "/console/returns", "owner", "empty"),
    ),
    "GET /console/stores": (
        Scene("console/stores", "/console/stores", "owner"),
        Scene("console/stores-empty", "/console/stores", "owner", "empty"),
    ),
    "GET /console/stores/{store_id}": (
        Scene("console/store", "/console/stores/{store}", "owner"),
        Scene("console/store-empty", "/console/stores/{store}", "owner", "empty"),
    ),
    "GET /console/policies": (
        Scene("console/policies", "/console/policies", "owner"),
        Scene("console/policies-reader", "/console/policies?ended=1", "auditor"),
        Scene("console/policies-empty", "/console/policies", "owner", "empty"),
        Scene("console/policies-wrong", "/console/policies", "owner", "error", send(name=" ")),
    ),
    "GET /console/policies/drafts/{draft_id}": (
        Scene("console/policy-draft", "/console/policies/drafts/{draft}", "owner"),
        Scene("console/policy-draft-reader", "/console/policies/drafts/{draft}", "auditor"),
        Scene("console/policy-draft-orphan", "/console/policies/drafts/{orphan}", "owner"),
    ),
    "GET /console/policies/previews/{preview_id}": (
        Scene("console/policy-preview", "/console/policies/previews/{preview}", "owner"),
    ),
    "GET /console/policies/versions/{version}": (
        Scene("console/policy-version", "/console/policies/versions/1", "owner"),
    ),
    "GET /console/programme": (
        Scene("console/programme", "/console/programme", "owner"),
        Scene("console/programme-empty", "/console/programme", "owner", "empty"),
    ),
    "GET /console/messages": (
        Scene("console/messages", "/console/messages", "owner"),
        Scene("console/messages-empty", "/console/messages", "owner", "empty"),
    ),
    "GET /console/messages/templates": (Scene("console/templates", "/console/messages/templates", "owner"),),
    "GET /console/messages/templates/{kind}/{language}": (
        Scene("console/template", "/console/messages/templates/receipt/en", "owner"),
    ),
    "GET /console/messages/{message}": (Scene("console/message", "/console/messages/{message}", "owner"),),
    "GET /console/messages/{message}/mail": (Scene("console/mail", "/outbox/{mail}/mail", "owner"),),
    "GET /console/staff": (Scene("console/staff", "/console/staff", "owner"),),
    "GET /console/staff/roles": (Scene("console/roles", "/console/staff/roles", "owner"),),
    "GET /console/staff/{staff_id}": (Scene("console/staff-account", "/console/staff/{staff}", "owner"),),
    "GET /console/staff/invite": (
        Scene("console/invite", "/console/staff/invite", "owner"),
        Scene("console/invite-refused", "/console/staff/invite", "owner", "error", act=send(email="nonsense")),
    ),
    "GET /console/devices": (
        Scene("console/devices", "/console/devices", "owner"),
        Scene("console/devices-empty", "/console/devices", "owner", "empty"),
        Scene("console/devices-refused", "/console/devices", "owner", "error", act=send(name="")),
        Scene("console/device-code", "/console/devices", "owner", act=send(store_id="{store}", name="Till 2")),
    ),
    "GET /console/health": (
        Scene("console/health", "/console/health", "owner"),
        Scene("console/health-empty", "/console/health", "owner", "empty"),
        Scene("console/health-refused", "/console/health", "care", "error"),
    ),
    "GET /console/exports": (
        Scene("console/table-exports", "/console/exports", "owner"),
        Scene("console/table-exports-empty", "/console/exports", "owner", "empty"),
        Scene("console/table-exports-refused", "/console/exports", "care", "error"),
    ),
    "GET /console/exports/new": (
        Scene("console/export-tables", "/console/exports/new", "owner"),
        Scene("console/export-new", "/console/exports/new?kind=members", "owner"),
        Scene("console/export-new-refused", "/console/exports/new?kind=audit", "marketer", "error"),
    ),
    "GET /console/exports/{file_id}": (
        Scene("console/export-ready", "{personal_export}", "owner"),
        Scene("console/export-plain", "{export}", "owner"),
        Scene("console/export-delete", "{export}", "owner", act=press("[data-opens=delete]")),
        Scene("console/export-gone", "{deleted_export}", "owner", "error"),
        Scene("console/export-purpose-missing", "{personal_export}", "owner", "error", act=send(format="csv")),
    ),
    "GET /console/imports": (
        Scene("console/imports", "/console/imports", "owner"),
        Scene("console/imports-empty", "/console/imports", "owner", "empty"),
        Scene("console/imports-refused", "/console/imports", "finance", "error"),
    ),
    "GET /console/imports/new": (Scene("console/import-new", "/console/imports/new", "owner"),),
    "GET /console/imports/{import_id}": (
        Scene("console/import-checked", "{checked_import}", "owner"),
        Scene("console/import-done", "{done_import}", "owner"),
        Scene("console/import-discard", "{checked_import}", "owner", act=press("[data-opens=discard]")),
        Scene("console/import-half", "{half_import}", "owner", "error"),
    ),
    "GET /console/imports/{import_id}/mapping": (
        Scene("console/import-mapping", "{mapped_import}/mapping", "owner"),
        Scene("console/import-mapping-refused", "{unread_import}/mapping", "owner", "error"),
    ),
    "GET /console/jobs": (
        Scene("console/data-jobs", "/console/jobs", "owner"),
        Scene("console/data-jobs-empty", "/console/jobs", "owner", "empty"),
        Scene("console/data-jobs-nothing-matches", "/console/jobs?state=cancelled&kind=import", "auditor"),
    ),
    "GET /console/jobs/{job_id}": (
        Scene("console/data-job", "{job}", "owner"),
        Scene("console/data-job-failed", "{failed_job}", "owner", "error"),
        Scene("console/data-job-stopped", "{stopped_job}", "owner"),
        Scene("console/data-job-of-import", "{import_job}", "owner"),
        Scene("console/data-job-of-export", "{export_job}", "owner"),
        Scene("console/data-job-revealed", "{job}", "owner", act=reveal),
    ),
    "GET /console/audit": (
        Scene("console/audit", "/console/audit", "owner"),
        Scene("console/audit-nothing", "/console/audit?actor=nobody", "owner", "empty"),
        Scene("console/audit-refused", "/console/audit", "care", "error"),
    ),
    "GET /console/audit/{entry_id}": (Scene("console/audit-entry", "/console/audit/1", "owner"),),
    "GET /console/audit/chain": (
        Scene("console/audit-chain", "/console/audit/chain", "owner"),
        Scene("console/audit-chain-refused", "/console/audit/chain", "owner", "error", act=send(head="4:9f2c")),
    ),
    "GET /console/metrics": (
        Scene("console/metrics", "/console/metrics", "owner"),
        Scene("console/metrics-empty", "/console/metrics", "owner", "empty"),
    ),
    "GET /console/backups": (
        Scene("console/backups", "/console/backups", "owner"),
        Scene("console/backups-none", "/console/backups", "owner", "empty"),
        Scene("console/backups-refused", "/console/backups", "care", "error"),
    ),
    "GET /console/keys": (
        Scene("console/keys", "/console/keys", "owner"),
        Scene("console/keys-empty", "/console/keys?q=nothing", "owner", "empty"),
    ),
    "GET /console/keys/new": (
        Scene("console/key-new", "/console/keys/new", "owner"),
        Scene("console/key-new-refused", "/console/keys/new", "owner", "error", act=send(label="", days="x")),
        Scene("console/key-token", "/console/keys/new", "owner", act=send(label="Till 2", scopes="orders:write")),
    ),
    "GET /console/keys/{key_id}": (
        Scene("console/key", "{key}", "owner"),
        Scene("console/key-terms", "{key}", "owner", act=press("details.panel summary")),
    ),
    "GET /console/webhooks": (
        Scene("console/webhooks", "/console/webhooks", "owner"),
        Scene("console/webhooks-empty", "/console/webhooks", "owner", "empty"),
        Scene("console/webhooks-refused", "/console/webhooks", "owner", "error", act=send(url="http://10.0.0.1/")),
    ),
    "GET /console/webhooks/{webhook_id}": (
        Scene("console/webhook", "{webhook}", "owner"),
        Scene("console/webhook-unheard", "{unheard_webhook}", "owner", "error"),
    ),
    "GET /console/webhooks/{webhook_id}/deliveries/{delivery_id}": (
        Scene("console/webhook-delivery", "{delivery}", "owner"),
        Scene("console/webhook-delivery-unheard", "{unheard_delivery}", "owner", "error"),
    ),
    "GET /console/health/books": (
        Scene("console/books", "/console/health/books", "owner", act=send()),
        Scene("console/books-empty", "/console/health/books", "owner", "empty"),
    ),
    "GET /console/health/jobs": (Scene("console/jobs", "/console/health/jobs", "owner"),),
    "GET /console/health/parked": (Scene("console/parked", "/console/health/parked", "owner", "empty"),),
    "GET /console/health/parked/{handler}/{seq}": (
        Scene("console/parked-unknown", "/console/health/parked/nobody.listens/1", "owner", "error"),
    ),
    "GET /console/account": (Scene("console/account", "/console/account", "owner"),),
    "GET /console/account/password": (
        Scene("console/password", "/console/account/password", "owner"),
        Scene("console/password-refused", "/console/account/password", "owner", "error", act=send(password="short")),
    ),
    "GET /console/account/phone": (Scene("console/phone", "/console/account/phone", "owner"),),
    "GET /console/account/recovery-codes": (
        Scene("console/recovery-codes", "/console/account/recovery-codes", "owner"),
    ),
    "GET /console/sign-in": (
        Scene("console/sign-in", "/console/sign-in", "nobody"),
        Scene(
            "console/sign-in-refused",
            "/console/sign-in",
            "nobody",
            "error",
            act=send(email="nobody@demo.example", password="wrong"),
        ),
    ),
    "GET /console/sign-in/code": (Scene("console/sign-in-code", "/console/sign-in/code", "with-code"),),
    "GET /console/invitation/{token}": (
        Scene("console/invitation", "{invitation}", "nobody"),
        Scene("console/invitation-dead", "/console/invitation/" + "x" * 43, "nobody", "error"),
    ),
    "GET /console/invitation/{token}/phone": (Scene("console/invitation-phone", "{half_invitation}/phone", "nobody"),),
}
