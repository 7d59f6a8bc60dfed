"""The bench opens every page of the three faces: a new one is measured from its first day."""

import re
from typing import Final

from bench.page_list import PAGES
from tests.web.queries import QUERIES, TURNED_AWAY

# Those for development, those that answer only who is on the way to them, the links in messages, files, what is
# there only once something has failed, or another system is connected, and what needs points given as the bench's
# policy does not allow.
NOT_MEASURED: Final = {
    "/outbox",
    "/outbox/{}",
    "/outbox/{}/mail",
    "/portal/confirm-address/{}",
    "/portal/confirm-consent/{}",
    "/portal/data/exports/{}/{}",
    "/portal/points/given/{}",
    "/portal/points/give/review/{}",
    "/stop/{}",
    "/console/health/parked/{}/{}",
    "/console/exports/{}",
    "/console/imports/{}",
    "/console/imports/{}/mapping",
    "/console/imports/{}/mapping/file",
    "/console/jobs/{}",
    "/console/jobs/{}/refused",
    "/console/keys/{}",
    "/console/webhooks/{}",
    "/console/webhooks/{}/deliveries/{}",
    *TURNED_AWAY,
}


def shape(path: str) -> str:
    """Return an address without its query, and without the names of what is to be filled in."""
    return re.sub(r"\{\w+\}", "{}", path.partition("?")[0])


def test_every_page_is_measured() -> None:
    there = {shape(path) for path in QUERIES} - {shape(path) for path in NOT_MEASURED}
    measured = {shape(path) for _, path in PAGES.values()}

    assert sorted(there - measured) == [], "write these into bench/page_list.py"
    assert sorted(measured - there) == [], "there are no such pages"
