"""The pages that the bench opens: who opens each, and its address. A test compares them with those that there are."""

from typing import Final

# `staff` is the owner, `shop` a manager who is bound to one shop, `device` that shop's; everything of the member who
# has bought most.
PAGES: Final[dict[str, tuple[str, str]]] = {
    path: (who, path)
    for who, paths in {
        "staff": (
            "/console",
            "/console/account",
            "/console/account/password",
            "/console/account/phone",
            "/console/account/recovery-codes",
            "/console/devices",
            "/console/health",
            "/console/health/books",
            "/console/health/jobs",
            "/console/health/parked",
            "/console/members",
            "/console/members?tier=gold",
            "/console/members?tier=diamond&joined_to=2026-06-30",
            "/console/members?q=member-7@bench.example",
            "/console/members/{member_id}",
            "/console/members/{member_id}/orders",
            "/console/members/{member_id}/points",
            "/console/members/{member_id}/points?wallet=growth",
            "/console/members/{member_id}/timeline",
            "/console/messages",
            "/console/messages?state=parked",
            "/console/messages/templates",
            "/console/messages/templates/{kind}/{language}",
            "/console/messages/{message}",
            "/console/messages/{message}/mail",
            "/console/orders",
            "/console/orders?store=S299",
            "/console/orders?channel=online&state=placed",
            "/console/orders?back=some&store={store_id}",
            "/console/orders?q=P12",
            "/console/orders/{order_id}",
            "/console/orders/{order_id}/return",
            "/console/palette",
            "/console/palette?q=member-7@bench.example",
            "/console/programme",
            "/console/staff",
            "/console/staff/invite",
            "/console/staff/roles",
            "/console/staff/{staff_id}",
            "/console/stores",
            "/console/stores/{store_id}",
        ),
        "member": (
            "/portal",
            "/portal/card/codes",
            "/portal/devices",
            "/portal/inbox",
            "/portal/orders",
            "/portal/orders/{order_id}",
            "/portal/points",
            "/portal/profile",
            "/portal/statement",
            "/portal/statement?wallet=growth",
            "/portal/tier",
        ),
        "device": (
            "/store",
            "/store/receipts/{sold}",
            "/store/register",
            "/store/returns",
            "/store/returns/{ticket}",
            "/store/returns/{ticket}/done/{return_id}",
            "/store/till",
            "/store/till?member={seen}",
        ),
        "anybody": (
            "/console/invitation/{token}",
            "/console/sign-in",
            "/portal/sign-in",
            "/store/enrol",
        ),
    }.items()
    for path in paths
} | {"/console/orders, of one shop's manager": ("shop", "/console/orders")}
