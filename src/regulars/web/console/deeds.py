"""What the palette knows beside pages and what is in them: deeds, and pages that stand in no navigation."""

from typing import Final

from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.palette import Deed
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind

DEEDS: Final = (
    Deed(
        mark("Make an API key"),
        "/console/keys/new",
        icon="key",
        permissions=("keys:read", "keys:write"),
        words=mark("new token, create, add, access, scope"),
    ),
    Deed(
        mark("Rotate or revoke an API key"),
        "/console/keys",
        icon="key",
        permissions=("keys:read", "keys:write"),
        words=mark("token, leak"),
    ),
    Deed(
        mark("Make a webhook"),
        "/console/webhooks#field-url",
        icon="webhook",
        permissions=("webhooks:read", "webhooks:write"),
        words=mark("new endpoint, create, add, subscribe to events"),
    ),
    Deed(
        mark("Send webhook deliveries anew"),
        "/console/webhooks",
        icon="refresh",
        permissions=("webhooks:read", "webhooks:write"),
        words=mark("replay, retry, resend, delivery log, failed, given up"),
    ),
    Deed(
        mark("Check the chain of the audit log"),
        "/console/audit/chain",
        icon="shield-check",
        permissions=("audit:read",),
        words=mark("verify, seal, hash, tamper"),
    ),
    Deed(
        mark("Import a file"),
        "/console/imports/new",
        icon="file-import",
        permissions=("jobs:read", "imports:write"),
        words=mark("start a new import, upload, CSV, Excel, migrate"),
    ),
    Deed(
        mark("Export a table"),
        "/console/exports/new",
        icon="file-export",
        permissions=("jobs:read", "exports:write"),
        words=mark("start a new export, download, CSV, Parquet"),
    ),
    Deed(
        mark("Take a backup now"),
        "/console/backups",
        icon="database-export",
        permissions=("backups:read", "backups:write"),
        words=mark("copy the database"),
    ),
    Deed(
        mark("Restore a backup"),
        "/console/backups#restoring",
        icon="history",
        permissions=("backups:read",),
        words=mark("recover, go back to an instant, disaster"),
    ),
    Deed(
        mark("Verify the books"),
        "/console/health/books",
        icon="checks",
        permissions=("health:read",),
        words=mark("check balances, ledger, reconcile"),
    ),
    Deed(
        mark("Background jobs"),
        "/console/health/jobs",
        icon="activity",
        permissions=("health:read",),
        words=mark("worker, queue, failed"),
    ),
    Deed(
        mark("Parked events"),
        "/console/health/parked",
        icon="alert-circle",
        permissions=("health:read",),
        words=mark("failed, dead letter"),
    ),
    Deed(
        mark("Invite staff"),
        "/console/staff/invite",
        icon="users-plus",
        permissions=("staff:write",),
        words=mark("new user, add, colleague, account, role"),
    ),
    Deed(
        mark("Roles and what they may"),
        "/console/staff/roles",
        icon="shield-lock",
        permissions=("staff:read",),
        words=mark("permissions"),
    ),
    Deed(
        mark("Enrol a device"),
        "/console/devices#field-name",
        icon="device-tablet",
        permissions=("devices:read", "devices:write"),
        words=mark("new till, tablet, counter, add"),
    ),
    Deed(
        mark("Draft a policy"),
        "/console/policies#field-name",
        icon="versions",
        permissions=("programme:read", "policies:write"),
        words=mark("change the rules, earning, tiers, expiry, new version"),
    ),
    Deed(
        mark("Close a month"),
        "/console/finance/months",
        icon="report-money",
        permissions=("finance:read",),
        words=mark("month end, journal, liability"),
    ),
    Deed(
        mark("Consents given and taken back"),
        "/console/privacy/consents",
        icon="shield-lock",
        permissions=("privacy:read",),
    ),
    Deed(
        mark("Erasures"),
        "/console/privacy/erasures",
        icon="shield-lock",
        permissions=("privacy:read",),
        words=mark("delete, forget, GDPR"),
    ),
    Deed(
        mark("My account"), "/console/account", icon="user", permissions=(), words=mark("sessions, sign out, profile")
    ),
    Deed(mark("Change my password"), "/console/account/password", icon="key", permissions=()),
    Deed(
        mark("API reference"),
        "/docs/api",
        icon="code",
        permissions=(),
        words=mark("developer documentation, OpenAPI, operations"),
    ),
)


def deed_pages(_: Kit) -> Pages:
    """Return the deeds, which lead to pages of other rooms."""
    return Pages(ViewerKind.STAFF, [], deeds=DEEDS)
