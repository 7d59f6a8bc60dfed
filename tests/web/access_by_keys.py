"""The part of the access matrix that is about policies, events and webhooks, in the API and in the console."""

from collections.abc import Mapping
from typing import Final

# Whoever has a key, of what is their own.
ACCESS_BY_ANY_KEY: Final = (
    "GET /v1/jobs",
    "GET /v1/jobs/{job_id}",
    "POST /v1/jobs/{job_id}/cancel",
    "POST /v1/jobs/{job_id}/resume",
    "POST /v1/imports",
    "GET /v1/imports/{import_id}",
    "GET /v1/imports/{import_id}/errors",
    "PUT /v1/imports/{import_id}/parts/{part_no}",
    "POST /v1/imports/{import_id}/start",
)

ACCESS_BY_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "key policies:read": (
        "GET /v1/identity-rules",
        "GET /v1/policy-diff",
        "GET /v1/policy-drafts",
        "GET /v1/policy-drafts/{draft_id}",
        "GET /v1/policy-drafts/{draft_id}/revisions",
        "GET /v1/policy-previews/{preview_id}",
        "GET /v1/policy-previews/{preview_id}/members",
    ),
    "key policies:write": (
        "PUT /v1/identity-rules",
        "POST /v1/policies/{version}/withdraw",
        "POST /v1/policy-drafts",
        "POST /v1/policy-previews",
        "POST /v1/policy-previews/{preview_id}/cancel",
        "PUT /v1/policy-drafts/{draft_id}",
        "DELETE /v1/policy-drafts/{draft_id}",
        "POST /v1/policy-drafts/{draft_id}/schedule",
    ),
    "key policies:approve": (
        "POST /v1/policy-drafts/{draft_id}/approve",
        "POST /v1/policy-drafts/{draft_id}/refuse",
    ),
    "staff keys:read": (
        "GET /console/keys",
        "GET /console/keys/{key_id}",
    ),
    "staff keys:read keys:write": (
        "GET /console/keys/new",
        "POST /console/keys",
        "POST /console/keys/{key_id}/terms",
        "POST /console/keys/{key_id}/rotate",
        "POST /console/keys/{key_id}/end-overlap",
        "POST /console/keys/{key_id}/revoke",
    ),
    "staff webhooks:read": (
        "GET /console/webhooks",
        "GET /console/webhooks/{webhook_id}",
        "GET /console/webhooks/{webhook_id}/deliveries/{delivery_id}",
    ),
    "staff webhooks:read webhooks:write": (
        "POST /console/webhooks",
        "POST /console/webhooks/{webhook_id}/state",
        "POST /console/webhooks/{webhook_id}/test",
        "POST /console/webhooks/{webhook_id}/replay",
        "POST /console/webhooks/{webhook_id}/rotate",
        "POST /console/webhooks/{webhook_id}/delete",
        "POST /console/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    ),
    "key events:read": ("GET /v1/events",),
    "key webhooks:read": (
        "GET /v1/webhooks",
        "GET /v1/webhooks/{webhook_id}",
        "GET /v1/webhooks/{webhook_id}/deliveries",
        "GET /v1/webhooks/{webhook_id}/deliveries/{delivery_id}",
    ),
    "key webhooks:write": (
        "POST /v1/webhooks",
        "PATCH /v1/webhooks/{webhook_id}",
        "DELETE /v1/webhooks/{webhook_id}",
        "POST /v1/webhooks/{webhook_id}/rotate",
        "POST /v1/webhooks/{webhook_id}/test",
        "POST /v1/webhooks/{webhook_id}/replay",
        "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    ),
}
