"""Every page that the access matrix lists, with real ids in its address, and whose browser opens it."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tests.browser.club import Club
from tests.web.access import ACCESS, ids_of_nobody

# What programs ask for, files, and ways on to elsewhere: no pages.
_NO_PAGES: Final = re.compile(
    r"^/(v1|assets|schema|openapi|health|ready|manifest|worker|apple-touch-icon)|^/console/sign-in/(oidc|provider)"
    r"|^/console/finance/months/\{month\}/journal|^/console/jobs/\{job_id\}/refused"
    r"|^/console/imports/\{import_id\}/mapping/file"
)
_FIXED: Final = {"kind": "receipt", "language": "en"}


class Place(NamedTuple):
    """An address, e.g. `GET /console/members/{member_id}`, with ids in it, and who may open it."""

    address: str
    method: str
    path: str
    who: str


def places(ids: Mapping[str, str], method: str = "GET") -> Iterator[Place]:
    """Give every page of a method; what `ids` lacks is nobody's."""
    for rule, addresses in ACCESS.items():
        for address in addresses:
            asked, _, template = address.partition(" ")
            if asked == method and not rule.startswith("key") and _NO_PAGES.match(template) is None:
                yield Place(address, method, template.format_map(_filling(ids, template)), rule.split()[0])


def ids_of(club: Club, name: str = "wang") -> dict[str, str]:
    """Return what stands in addresses, of things that there are: those of a member."""
    return club.ids | club.own[name] | {"inbox": club.message("inbox", name), "email": club.message("email", name)}


def _filling(ids: Mapping[str, str], template: str) -> dict[str, str]:
    """The same name means another thing on another face."""
    faces = {
        "/console/invitation": {"token": ids["invitation"]},
        "/stop": {"token": ids["stop"]},
        "/portal/confirm-address": {"token": ids.get("confirm", "x")},
        "/outbox": {"message": ids["email"]},
        "/console/messages": {"message": ids["email"]},
    }
    own = next((found for head, found in faces.items() if template.startswith(head)), {})
    return {**ids_of_nobody(), **_FIXED, **ids, **own}
